"""What `arrears quarantine` prints, in words."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.clock import AT_ONCE
from shared.messaging.parking import Released
from shared.messaging.quarantine_views import Group, Quarantined
from shared.messaging.rehearsal import Ahead, Rehearsal

MINUTE = "%Y-%m-%d %H:%M"


def group_line(service: str, group: Group) -> str:
    """Say one group."""
    return (
        f"{service} {group.reason} {group.type or '(no type)'} [{group.fingerprint}]: "
        f"{group.count} of {group.customers} customers, "
        f"{group.first_at:{MINUTE}} to {group.last_at:{MINUTE}} UTC; for example {group.sample_id}: {group.error}"
    )


def entry_line(service: str, entry: Quarantined) -> str:
    """Say one entry."""
    status = "" if entry.status == "waiting" else f" {entry.status}"
    return (
        f"{service} {entry.id}:{status} {entry.customer_id or '(no customer)'} {entry.type or '(no type)'} "
        f"{entry.reason}: {entry.error} [{entry.topic or 'http'}/{entry.partition}@{entry.offset}, "
        f"{entry.at:{MINUTE}} UTC, {entry.waiting_behind} waiting]"
    )


def outcome_lines(done: Sequence[Released]) -> Iterator[str]:
    """Say what came of each customer, and the sum where they are several."""
    for each in done:
        who = each.customer_id or "a record of nobody"
        if each.left:
            yield f"{who}: {each.decided} decided, {each.left} still parked: {each.error}"
        elif each.customer_id:
            yield f"{who} released: {each.decided} events decided"
        else:
            yield f"{who}: {'decided' if each.decided else 'discarded'}"
    if len(done) > 1:
        left = sum(bool(each.left) for each in done)
        yield f"{len(done) - left} released, {left} still fail"


def rehearsal_lines(told: Rehearsal) -> Iterator[str]:
    """Say what a release would come to."""
    yield f"{told.customer_id or 'a record of nobody'}: {told.decided} would be decided, {told.left} would stay"
    for step in told.steps:
        what = f"  {step.type or 'the record'} {step.id}".rstrip()
        if step.outcome == "fails":
            yield f"{what}: still fails: {step.error}"
        elif step.outcome != "decided":
            yield f"{what}: {'was decided before' if step.outcome == 'repeated' else 'nobody reacts to it'}"
        else:
            changed = ", ".join(step.changed) or "nothing"
            yield f"{what}: {step.stage_before} -> {step.stage}, next look {_look(step.wake_at)}; changes {changed}"
    if told.tick is not None:
        yield from _tick_lines(told.tick)


def _tick_lines(tick: Ahead) -> Iterator[str]:
    if tick.parked_by:
        yield f"  then nothing: also parked by {', '.join(tick.parked_by)}"
        return
    if tick.error:
        yield f"  the next tick would fail: {tick.error}"
        return
    said = [said.type for said in tick.publishes]
    started = [f"{start.kind} ({start.not_before:{MINUTE}} UTC)" for start in tick.starts]
    yield (
        f"  the next tick would publish {', '.join(said) or 'nothing'}, start {', '.join(started) or 'nothing'}"
        f"{f', withdraw {len(tick.withdraws)} effects' if tick.withdraws else ''}"
        f"; then {tick.stage}, next look {_look(tick.wake_at)}"
    )


def _look(at: datetime | None) -> str:
    if at is None:
        return "at the next fact"
    return "at once" if at <= AT_ONCE else f"{at:{MINUTE}} UTC"
