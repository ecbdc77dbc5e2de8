"""Legal: take a claim to court, one step after the other, and stop when it is paid.

The first follow-up of kind legal opens the proceedings of its episode; they go on by themselves:

    due --unfit--> unfit --time--> due                (legal.assessed; the last time: ended)
    due --fit--> letter                               (legal.assessed, permit.requested)
    letter --permit.granted--> letter                 (the demand letter waits)
    letter --permit.refused--> due --its earliest instant--> again; for good, or too often: ended
    letter --sent--> demanded                         (legal.letter_sent)
    demanded --deadline, still fit--> filing          (the claim waits)
    demanded --deadline, unfit--> unfit               (legal.assessed)
    filing --sent--> filed --accepted--> accepted     (legal.filed, legal.accepted)
    filed, accepted --granted--> judged               (legal.judged)
    judged --grace over--> enforcing --recovered, no assets--> ended     (legal.enforced)
    filed, accepted --dismissed, settled--> ended     (legal.judged)
    filed, accepted --rejected--> ended               (legal.withdrawn)
    letter, filing, enforcing --expired, failed--> the stage before --time--> again
    letter, filing, enforcing --unknown, failed too often--> ended       (legal.withdrawn)
    letter, filing, enforcing --hold--> the stage before; after the hold a fresh look
    any --cancelled, case closed--> ended             (legal.withdrawn)

Facts are only noted; a tick reads them in one fixed order, so facts of different topics commute.
Which agency has which accounts, and whom agencies contacted, is noted and told on the next tick (placing.py).
While a hold stands legal starts nothing. A step that a hold kept waiting asks the scheduler for a fresh
look first: the amounts may have changed. What courts say of a claim that had left is passed on even
after the end: it happened. Later legal follow-ups of the episode join the proceedings.
"""

from datetime import datetime

from msgspec.structs import replace

from services.legal.domain import placing
from services.legal.domain.state import (
    CLOSED,
    Answer,
    LegalFile,
    Notice,
    Proceedings,
    as_told,
    later,
    stage_of,
)
from services.legal.domain.tick import look
from services.legal.policy import LegalPolicy
from shared.clock import AT_ONCE
from shared.decision import Decision, placed
from shared.events.envelope import Event, Woken
from shared.events.legal import CourtNotice
from shared.events.permits import PermitGranted, PermitRefused
from shared.events.scheduler import (
    CaseClosed,
    FollowUpCancelled,
    FollowUpDue,
    HoldApplied,
    HoldLifted,
)


def decide(
    file: LegalFile, event: Event, now: datetime, policy: LegalPolicy
) -> Decision[LegalFile]:
    """Answer one event; late, repeated and foreign ones change nothing."""
    match as_told(event.data, file):
        case Woken(fresh=fresh):
            if not fresh or file.wake_at is None or file.wake_at > now:
                return Decision(file)
            return look(file, event.data.customer_id, now, policy)
        case FollowUpDue(kind="legal") as due:
            return Decision(_open(_placed(file, due), due))
        case FollowUpDue(kind="requested") as due:
            return Decision(_remind(file, due))
        case FollowUpCancelled(follow_up_id=follow_up_id, reason=reason):
            ours = [k for k, p in file.proceedings.items() if follow_up_id in (k, *p.joined)]
            return _stop(file, ours, reason)
        case CaseClosed(episode=episode):
            ours = [key for key, each in file.proceedings.items() if each.episode <= episode]
            return _stop(file, ours, CLOSED)
        case HoldApplied() as hold:
            return _hold(file, hold)
        case HoldLifted(hold_id=hold_id) if hold_id in file.holds:
            holds = {key: reason for key, reason in file.holds.items() if key != hold_id}
            return Decision(_noted(replace(file, holds=holds), {}))
        case PermitGranted() | PermitRefused() | CourtNotice() as said:
            return _told(file, said, event.time)
        case _:
            return Decision(placing.fold(file, event))


def _placed(file: LegalFile, due: FollowUpDue) -> LegalFile:
    seen = due.situation
    return file if seen is None else placed(file, seen.region, seen.creditor)


def _noted(file: LegalFile, changed: dict[str, Proceedings]) -> LegalFile:
    """Answer the file with *changed* proceedings; a tick has to look if anything is under way."""
    proceedings = {**file.proceedings, **changed}
    stage = stage_of(proceedings.values())
    wake_at = AT_ONCE if changed or stage != "idle" else file.wake_at
    return replace(file, proceedings=proceedings, stage=stage, wake_at=wake_at)


def _open(file: LegalFile, due: FollowUpDue) -> LegalFile:
    """Open the proceedings of the episode, or join those that there are, with the fresher picture."""
    for key, each in file.proceedings.items():
        if due.follow_up_id in (key, *each.joined):
            return file
        if each.episode != due.episode or each.stop or each.was_stopped:
            continue
        joined = replace(each, joined=(*each.joined, due.follow_up_id))
        if each.stage != "ended":
            joined = replace(joined, situation=due.situation or each.situation)
        return _noted(file, {key: joined})
    opened = Proceedings(episode=due.episode, situation=due.situation)
    return _noted(file, {due.follow_up_id: opened})


def _remind(file: LegalFile, due: FollowUpDue) -> LegalFile:
    """Note that a requested follow-up came; it may bring a fresher picture."""
    changed = {
        key: replace(each, came=True, situation=due.situation or each.situation)
        for key, each in file.proceedings.items()
        if each.wanted == due.follow_up_id
    }
    return _noted(file, changed) if changed else file


def _stop(file: LegalFile, follow_up_ids: list[str], reason: str) -> Decision[LegalFile]:
    """End proceedings: by name, or because the case closed. The more exact reason stands, in any order."""
    changed: dict[str, Proceedings] = {}
    for key in follow_up_ids:
        each = file.proceedings[key]
        if each.stage != "ended":
            reasons = {reason, each.stop} - {"", CLOSED}
            changed[key] = replace(each, stop=min(reasons, default=CLOSED))
    withdraw = sorted(each.current for each in changed.values() if each.current)
    return Decision(_noted(file, changed) if changed else file, withdraw=tuple(withdraw))


def _hold(file: LegalFile, hold: HoldApplied) -> Decision[LegalFile]:
    """Note the hold, and withdraw what has not left."""
    changed = {
        key: replace(each, recalled=True) for key, each in file.proceedings.items() if each.current
    }
    held = replace(file, holds={**file.holds, hold.hold_id: hold.reason})
    withdraw = sorted(each.current for each in changed.values())
    return Decision(_noted(held, changed) if changed else held, withdraw=tuple(withdraw))


def _told(
    file: LegalFile, said: PermitGranted | PermitRefused | CourtNotice, at: datetime
) -> Decision[LegalFile]:
    """Note what is said of something that legal sends, or wants to send."""
    match said:
        case PermitGranted(permit=permit):
            return _answered(file, permit.permit_id, Answer(at=at, permit=permit))
        case PermitRefused(permit_id=permit_id):
            return _answered(file, permit_id, Answer(at=at, earliest_next=said.earliest_next))
        case _:
            return Decision(_hear(file, said, at))


def _answered(file: LegalFile, permit_id: str, answer: Answer) -> Decision[LegalFile]:
    """Note what the scheduler says of the letter in hand; what it takes back must not leave."""
    for key, each in file.proceedings.items():
        letter = each.sendings.get(each.current)
        if letter is None or letter.permit_id != permit_id:
            continue
        if letter.granted_at is not None and (answer.permit or answer.at < letter.granted_at):
            continue  # it goes by the permit that it has
        noted = replace(letter, answer=later(answer, letter.answer or answer))
        changed = replace(each, sendings={**each.sendings, each.current: noted})
        withdraw = (each.current,) if letter.granted_at else ()
        return Decision(_noted(file, {key: changed}), withdraw=withdraw)
    return Decision(file)


def _hear(file: LegalFile, data: CourtNotice, at: datetime) -> LegalFile:
    """Note what is said of one of our effects, unless it was said before."""
    for key, each in file.proceedings.items():
        sending = each.sendings.get(data.effect_id)
        if sending is None or data.outcome in sending.told:
            continue
        notice = Notice(at=at, case_no=data.case_no, reason=data.reason)
        first = min(notice, sending.news.get(data.outcome, notice))
        heard = replace(sending, news={**sending.news, data.outcome: first})
        changed = replace(each, sendings={**each.sendings, data.effect_id: heard})
        return _noted(file, {key: changed})
    return file
