"""Take what is due: follow-ups that services asked for, reminders before the due date, steps of the ladder."""

from datetime import datetime

from msgspec.structs import replace

from services.scheduler.domain import hours, ladder, situation
from services.scheduler.domain.ledger import Unpaid
from services.scheduler.domain.state import Customer, OpenStep, Taken
from services.scheduler.domain.view import View
from services.scheduler.policy import STAGES, Step
from shared.events.scheduler import Choice, FollowUpDue, StageEntered, StepSkipped
from shared.ids import derive


def fire_requests(view: View) -> None:
    """Publish the follow-ups that other services asked for and that are due."""
    case = view.case
    if not case.requests:
        return
    due = sorted(
        (request.due_at, follow_up_id, request.purpose)
        for follow_up_id, request in case.requests.items()
        if request.due_at <= view.now
    )
    bucket = view.strategy.bucket(view.dpd)
    for _, follow_up_id, purpose in due:
        fired = FollowUpDue(
            customer_id=view.customer_id,
            follow_up_id=follow_up_id,
            kind="requested",
            episode=case.episode,
            purpose=purpose,
            situation=situation.describe(case, view.contactable or view.overdue, view.dpd, bucket)
            if view.overdue
            else None,
        )
        view.say(follow_up_id, fired)
    if due:
        spent = {follow_up_id: view.now for _, follow_up_id, _ in due}
        left = {key: value for key, value in case.requests.items() if key not in spent}
        view.case = replace(case, requests=left, spent={**case.spent, **spent})
    view.wakes += [request.due_at for request in view.case.requests.values()]


def remind_before_due(view: View) -> None:
    """Remind of instalments that will fall due, while nothing is overdue and no hold stands."""
    steps = [step for step in view.strategy.ladder if step.day < 1]
    customer = view.case.customer
    if not steps or customer is None or view.overdue or view.held():
        return
    for entry in view.unpaid:
        if entry.account_id not in view.diverged:
            _remind_of(view, entry, steps, customer)


def _remind_of(view: View, entry: Unpaid, steps: list[Step], customer: Customer) -> None:
    """Take the latest of the reminders of one instalment that are due, once; the rest are stale."""
    about = f"{entry.account_id}/{entry.instalment_id}"
    due: list[Step] = []
    for step in steps:
        if f"{about}/{step.name}" in view.case.reminded:
            continue
        at = ladder.reminder_at(view.case, step, entry.due_on, customer, view.now, view.strategy)
        if at is not None and at > view.now:
            view.wakes.append(at)
        elif at is not None:
            due.append(step)
    for step in due:
        key = f"{about}/{step.name}"
        view.case = replace(view.case, reminded={**view.case.reminded, key: view.now})
        if step is not due[-1]:
            _say_skipped(view, key, 0, step, "skipped_stale")
        elif not _contact(view, step, customer, [entry], about=key):
            _say_skipped(view, key, 0, step, "no_contact_point")


def take_steps(view: View) -> None:
    """
    Take the steps of the ladder that are due: of several of one kind only the latest, the rest are stale.

    A customer of whom core banking has sent no record is not contacted, and not given up: the step
    waits for that fact.
    """
    customer = view.case.customer
    if not view.overdue or customer is None or view.held():
        return
    entries = view.contactable
    steps = ladder.upcoming(view.case, customer, entries[0].due_on, view.now, view.strategy)
    due = [timed.step for timed in steps if timed.at <= view.now]
    view.wakes += [timed.at for timed in steps if timed.at > view.now]
    latest = {step.kind: step for step in due}
    for step in due:
        if latest[step.kind] is not step:
            _skip(view, step, "skipped_stale")
        elif step.kind != "contact":
            _follow_up(view, step, entries, attempt=_attempt(view, step))
            _enter(view, step)
        elif _contact(view, step, customer, entries, attempt=_attempt(view, step)):
            _enter(view, step)
        else:
            exhausted = ladder.exhausted(view.case, customer)
            _skip(view, step, "points_exhausted" if exhausted else "no_contact_point")


def _attempt(view: View, step: Step) -> int:
    before = view.case.steps.get(step.name)
    return before.attempt + 1 if before is not None else 1


def _contact(
    view: View,
    step: Step,
    customer: Customer,
    entries: list[Unpaid],
    *,
    attempt: int = 1,
    about: str = "",
) -> bool:
    """Publish a contact step; answers False when no contact point is left for it."""
    choices = ladder.choices(view.case, customer, step)
    if not choices:
        return False
    zones = ladder.zones_of(customer, view.strategy)
    end = hours.window_end(view.now, zones, view.strategy)
    begins = hours.next_window(view.now, zones, ladder.windows_of(view.case))
    if begins is not None:
        end = min(end, begins)
    _follow_up(view, step, entries, attempt=attempt, about=about, choices=choices, not_after=end)
    return True


def _follow_up(
    view: View,
    step: Step,
    entries: list[Unpaid],
    *,
    attempt: int,
    about: str = "",
    choices: tuple[Choice, ...] = (),
    not_after: datetime | None = None,
) -> None:
    case = view.case
    episode = 0 if about else case.episode
    follow_up_id = derive("scheduler", view.customer_id, about, episode, step.name, attempt)
    dpd = (view.today - entries[0].due_on).days
    due = FollowUpDue(
        customer_id=view.customer_id,
        follow_up_id=follow_up_id,
        kind=step.kind,
        episode=episode,
        stage=step.stage,
        step=step.name,
        attempt=attempt,
        choices=choices,
        not_before=view.now,
        not_after=not_after,
        situation=situation.describe(case, entries, dpd, view.strategy.bucket(dpd)),
    )
    view.say(follow_up_id, due)
    ways = tuple(f"{choice.channel}:{choice.point_id}" for choice in choices)
    opened = OpenStep(step=step.name, kind=step.kind, attempt=attempt, about=about, ways=ways)
    steps = case.steps if about else {**case.steps, step.name: Taken(attempt=attempt)}
    view.case = replace(case, open={**case.open, follow_up_id: opened}, steps=steps)


def _enter(view: View, step: Step) -> None:
    """Note the stage when the ladder reached a further one."""
    order = ("idle", "open", *STAGES)
    case = view.case
    if order.index(step.stage) <= order.index(case.stage):
        return
    entered = StageEntered(
        customer_id=view.customer_id, episode=case.episode, stage=step.stage, step=step.name
    )
    view.say(f"{case.episode}/{step.stage}", entered)
    view.case = replace(case, stage=step.stage)


def _skip(view: View, step: Step, reason: str) -> None:
    case, attempt = view.case, _attempt(view, step)
    _say_skipped(view, f"{case.episode}/{step.name}/{attempt}", case.episode, step, reason)
    taken = Taken(attempt=attempt, result=reason)
    view.case = replace(case, steps={**case.steps, step.name: taken})


def _say_skipped(view: View, about: str, episode: int, step: Step, reason: str) -> None:
    skipped = StepSkipped(
        customer_id=view.customer_id, episode=episode, step=step.name, reason=reason
    )
    view.say(about, skipped)
