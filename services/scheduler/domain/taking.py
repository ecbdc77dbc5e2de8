"""Take what is due: follow-ups that services asked for, reminders before the due date, steps of the ladder."""

from datetime import datetime

from msgspec.structs import replace

from services.scheduler.domain import acting, following, hours, ladder, proposing, situation
from services.scheduler.domain.gatekeeping import Ruling, joined
from services.scheduler.domain.ledger import Unpaid
from services.scheduler.domain.state import Customer, Offer, OpenStep, Taken
from services.scheduler.domain.view import View
from services.scheduler.domain.weighing import Weighed, Weight
from services.scheduler.policy import STAGES, Step
from shared.events.permits import PermitRefused
from shared.events.scheduler import Choice, FollowUpDue, StageEntered, StepSkipped
from shared.ids import derive


def fire_requests(view: View) -> None:
    """Publish the follow-ups that other services asked for and that are due; those that lead to an act: when it is lawful."""
    case = view.case
    if not case.requests:
        acting.forget(view)
        return
    due = sorted(
        (request.due_at, follow_up_id, request.purpose)
        for follow_up_id, request in case.requests.items()
        if request.due_at <= view.now
    )
    bucket = view.strategy.bucket(view.dpd)
    spent: dict[str, datetime] = {}
    for _, follow_up_id, purpose in due:
        if acting.waits(view, follow_up_id, purpose):
            continue
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
        spent[follow_up_id] = view.now
    if spent:
        left = {key: value for key, value in case.requests.items() if key not in spent}
        view.case = replace(view.case, requests=left, spent={**case.spent, **spent})
    acting.forget(view)
    later = (request.due_at for request in view.case.requests.values())
    view.wakes += [due_at for due_at in later if due_at > view.now]


def remind_before_due(view: View) -> None:
    """Remind of instalments that will fall due, while nothing is overdue and no hold stands."""
    steps = [step for step in view.strategy.ladder if step.day < 1]
    customer = view.case.customer
    if not steps or customer is None or view.overdue or view.held() or view.awaits:
        return
    for entry in view.unpaid:
        if entry.account_id not in view.diverged:
            _remind_of(view, entry, steps, customer)


def _remind_of(view: View, entry: Unpaid, steps: list[Step], customer: Customer) -> None:
    """Take the latest of the reminders of one instalment that are due, once; the rest are stale."""
    about = f"{entry.account_id}/{entry.instalment_id}"
    due = _due_reminders(view, entry, steps, customer)
    if not due:
        return
    last = _weigh(view, due[-1], customer, [entry], about=f"{about}/{due[-1].name}")
    if last.waits:
        at = last.earliest
        if at is None or hours.business_date(at, view.strategy) < entry.due_on:
            _wait(view, last, customer)
        return
    for step in due:
        key = f"{about}/{step.name}"
        refusals = {name: told for name, told in view.case.refusals.items() if name != f"~{key}"}
        reminded = {**view.case.reminded, key: view.now}
        view.case = replace(view.case, reminded=reminded, refusals=refusals)
        if step is not last.step:
            _say_skipped(view, key, 0, step, "skipped_stale")
        elif last.allowed:
            _contact(view, last, [entry])
        else:
            _say_skipped(view, key, 0, step, "no_contact_point")


def _due_reminders(view: View, entry: Unpaid, steps: list[Step], customer: Customer) -> list[Step]:
    """Answer the reminders of an instalment whose time it is and that were not taken; look again at the others' times."""
    due: list[Step] = []
    for step in steps:
        if f"{entry.account_id}/{entry.instalment_id}/{step.name}" in view.case.reminded:
            continue
        at = ladder.reminder_at(step, entry.due_on, customer, view.now, view.strategy)
        if at is not None and at > view.now:
            view.wakes.append(at)
        elif at is not None:
            due.append(step)
    return due


def take_steps(view: View) -> None:
    """
    Take the steps of the ladder that are due: of several of one kind only the latest, the rest are stale.

    A contact is made as soon as the gate allows one of its choices; until then the step waits, and an earlier one that is
    allowed goes first. A customer of whom core banking has sent no record is not contacted, and not given up: the
    step waits for that fact, as for the facts of a record that goes on in this one.
    """
    customer = view.case.customer
    if not view.overdue or customer is None or view.held() or view.awaits:
        return
    entries = view.contactable
    steps = ladder.upcoming(view.case, customer, entries[0].due_on, view.now, view.strategy)
    due = [timed.step for timed in steps if timed.at <= view.now]
    view.wakes += [timed.at for timed in steps if timed.at > view.now]
    latest = {step.kind: step for step in due}
    weighed = _weigh_latest(view, due, customer, entries)
    for step in due:
        this = weighed.get(step.name)
        if this is not None and this.waits:
            _wait(view, this, customer)
        elif (latest[step.kind] if step.kind != "contact" else this and this.step) is not step:
            _skip(view, step, "skipped_stale")
        elif this is None:
            _follow_up(view, step, entries, attempt=_attempt(view, step))
            _enter(view, step)
        elif this.allowed:
            _contact(view, this, entries)
            _enter(view, step)
        else:
            exhausted = ladder.exhausted(view.case, customer)
            _skip(view, step, "points_exhausted" if exhausted else "no_contact_point")


def _weigh_latest(
    view: View, due: list[Step], customer: Customer, entries: list[Unpaid]
) -> dict[str, Weighed]:
    """Ask the gate about the contacts that are due, the latest first, until one need not wait."""
    weighed: dict[str, Weighed] = {}
    for step in reversed(due):
        if step.kind == "contact":
            weighed[step.name] = _weigh(view, step, customer, entries)
            if not weighed[step.name].waits:
                break
    return weighed


def _attempt(view: View, step: Step) -> int:
    before = view.case.steps.get(step.name)
    return before.attempt + 1 if before is not None else 1


def _weigh(
    view: View, step: Step, customer: Customer, entries: list[Unpaid], *, about: str = ""
) -> Weighed:
    """Ask the gate about every choice of a contact step."""
    accounts = proposing.accounts_of(entries)
    purpose = proposing.REMIND if about else proposing.COLLECT
    choices = []
    for way in ladder.ways(view.case, customer, step):
        template = proposing.text_for(view, customer, way.template, accounts)
        offer = replace(way, template=template)
        made = proposing.offered(view, offer, accounts, purpose)
        choices.append(Weight(offer, made, proposing.judged(view, made)))
    attempt = 1 if about else _attempt(view, step)
    return Weighed(step, attempt, about, tuple(choices))


def _wait(view: View, weighed: Weighed, customer: Customer) -> None:
    """Look again when a choice is allowed and it is the step's hour; say once which rules are in the way."""
    earliest = weighed.earliest
    if earliest is not None:
        zones = ladder.zones_of(customer, view.strategy)
        earliest = ladder.at_its_hour(weighed.step, earliest, zones, view.strategy)
        view.wakes.append(earliest)
    reasons = joined([choice.ruling for choice in weighed.choices])
    rules = ",".join(sorted({reason.rule for reason in reasons}))
    key = weighed.key(view)
    told = view.case.refusals.get(key, ())
    if rules in told:
        return
    first = weighed.choices[0]
    follow_up_id = weighed.follow_up_id(view)
    refused = PermitRefused(
        customer_id=view.customer_id,
        permit_id=following.permit_id(view.customer_id, follow_up_id, 0),
        channel=first.offer.channel,
        point_id=first.offer.point_id,
        follow_up_id=follow_up_id,
        step=weighed.step.name,
        reasons=reasons,
        earliest_next=earliest,
        inputs=weighed.inputs(view),
        packs=first.ruling.packs,
        facts=first.ruling.facts,
    )
    view.say(f"{key}/{rules}", refused)
    view.case = replace(view.case, refusals={**view.case.refusals, key: (*told, rules)})


def _contact(view: View, weighed: Weighed, entries: list[Unpaid]) -> None:
    """Publish a contact by the choices that are allowed now: the first has its permit, and its place is reserved."""
    first, *_ = allowed = weighed.allowed
    assert not isinstance(first.made, Ruling), "the gate was asked"
    follow_up_id = weighed.follow_up_id(view)
    this_id = following.permit_id(view.customer_id, follow_up_id, 0)
    way = (first.offer.channel, first.offer.point_id)
    leave = following.granted(view, this_id, way, first.made, first.ruling)
    choices = tuple(
        Choice(
            channel=each.offer.channel,
            point_id=each.offer.point_id,
            template=each.offer.template,
            permit=leave if each is first else None,
        )
        for each in allowed
    )
    _follow_up(
        view, weighed.step, entries, attempt=weighed.attempt, about=weighed.about, choices=choices,
        not_after=max(each.ruling.until for each in allowed if each.ruling.until is not None),
    )  # fmt: skip


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
    opened = OpenStep(
        step=step.name, kind=step.kind, attempt=attempt, about=about, not_after=not_after,
        offers=tuple(
            Offer(channel=choice.channel, point_id=choice.point_id, template=choice.template)
            for choice in choices
        ),
        permit_id=following.permit_id(view.customer_id, follow_up_id, 0) if choices else "",
    )  # fmt: skip
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
