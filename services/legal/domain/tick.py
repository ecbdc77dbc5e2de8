"""Look at the proceedings against a customer: read the notices, end what must end, do what is due."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from services.legal.domain import placing
from services.legal.domain.desk import Desk
from services.legal.domain.notices import BEFORE, read
from services.legal.domain.state import LegalFile, Proceedings, Sending, stage_of
from services.legal.policy import LegalPolicy
from shared.decision import Decision
from shared.events.legal import LegalAssessed
from shared.events.scheduler import Amount, Situation
from shared.ids import derive


def look(
    file: LegalFile, customer_id: str, now: datetime, policy: LegalPolicy
) -> Decision[LegalFile]:
    """Decide a tick: all proceedings in the order of their ids, then forget what ended long ago."""
    desk = Desk(customer_id=customer_id, now=now, policy=policy, is_held=bool(file.holds))
    proceedings = {}
    for follow_up_id in sorted(file.proceedings):
        desk.follow_up_id = follow_up_id
        proceedings[follow_up_id] = _advance(desk, file.proceedings[follow_up_id])
    kept = _remembered(proceedings, now - timedelta(days=policy.keep_days))
    told = placing.tell(desk, file)
    after = replace(told, proceedings=kept, stage=stage_of(kept.values()), wake_at=None)
    return Decision(after, tuple(desk.published), tuple(desk.effects), tuple(desk.withdrawn))


def _remembered(proceedings: Mapping[str, Proceedings], since: datetime) -> dict[str, Proceedings]:
    return {k: p for k, p in proceedings.items() if p.ended_at is None or p.ended_at > since}


def _advance(desk: Desk, each: Proceedings) -> Proceedings:
    """Answer the proceedings as they are after this tick; what was said outside comes before all else."""
    each = read(desk, each)
    if each.stop:
        return desk.give_up(each, each.stop)
    if each.recalled:
        each = _take_back(each)
    if each.current and each.sendings[each.current].answer is not None:
        each = _read_answer(desk, each, each.sendings[each.current])
    if each.came:
        each = replace(each, came=False, wanted="", ready=True)
    return _do(desk, each) if each.ready else each


def _take_back(each: Proceedings) -> Proceedings:
    """A hold withdrew what had not left: stand where it began, and wait for the hold's end."""
    stage, step = BEFORE[each.sendings[each.current].kind]
    return replace(each, stage=stage, step=step, current="", recalled=False, ready=True, held=True)


def _read_answer(desk: Desk, each: Proceedings, letter: Sending) -> Proceedings:
    """Start the letter that got leave; what got none, or lost it, is tried again when it may be allowed, or ends."""
    answer = letter.answer
    assert answer is not None  # it is asked for before
    fit = not desk.policy.against(each.situation)
    if answer.permit is not None and fit:
        granted = replace(letter, answer=None, granted_at=answer.at)
        each = replace(each, sendings={**each.sendings, each.current: granted})
        request = {**_case(desk, each)[2], "reply_within_days": desk.policy.reply_within_days}
        desk.start(each, request, answer.permit)
        return each
    sendings = {key: value for key, value in each.sendings.items() if key != each.current}
    if letter.granted_at is not None:
        sendings[each.current] = replace(letter, answer=None)  # it may have left after all
    each = replace(each, stage="due", step="assess", current="", sendings=sendings)
    if answer.permit is not None:
        return replace(each, ready=True)  # the picture changed since leave was asked
    each = replace(each, tries=each.tries + 1)
    if answer.earliest_next is None or each.tries >= desk.policy.max_tries:
        return desk.give_up(each, "letter: no_permit")
    return desk.wait(each, "assess", max(answer.earliest_next, desk.now))


def _do(desk: Desk, each: Proceedings) -> Proceedings:
    """Do the step that is due, on a picture that no hold has made old."""
    if desk.is_held:
        return replace(each, held=True)
    if each.held:
        return desk.wait(each, each.step, desk.now)
    if each.step == "enforce":
        return _enforce(desk, each)
    if each.step == "file" and not desk.policy.against(each.situation):
        return _file(desk, each)
    return _assess(desk, each)  # at the deadline too: part may have been paid since the letter


def _assess(desk: Desk, each: Proceedings) -> Proceedings:
    number = each.assessments + 1
    against = desk.policy.against(each.situation)
    final = bool(against) and number >= desk.policy.max_assessments
    assessment_id = derive("legal", desk.customer_id, desk.follow_up_id, "assessment", number)
    desk.say(
        assessment_id,
        LegalAssessed(
            customer_id=desk.customer_id,
            assessment_id=assessment_id,
            follow_up_id=desk.follow_up_id,
            episode=each.episode,
            fit=not against,
            reasons=against,
            final=final,
        ),
    )
    each = replace(each, assessments=number)
    if final:
        return desk.end(each)
    if against:
        due_at = desk.policy.after(desk.now, desk.policy.reassess_after_days)
        return desk.wait(replace(each, stage="unfit"), "assess", due_at)
    return _demand(desk, each)


def _demand(desk: Desk, each: Proceedings) -> Proceedings:
    situation = _case(desk, each)[0]
    point_id = situation.address_point_id or ""
    return desk.ask(each, Sending(kind="letter", point_id=point_id, accounts=situation.accounts))


def _file(desk: Desk, each: Proceedings) -> Proceedings:
    situation, claim, about = _case(desk, each)
    court = desk.policy.courts[situation.country]
    sending = Sending(kind="filing", claim=claim, court=court, creditor=situation.creditor)
    return desk.send(each, "filing", "filing", {**about, "court": court}, sending)


def _enforce(desk: Desk, each: Proceedings) -> Proceedings:
    """Ask the court to enforce what it granted: that amount, whatever the picture says now."""
    filing = each.sendings[each.granted]
    assert filing.claim is not None  # every filing has one
    request = {
        "filing_id": each.granted,
        "case_no": each.case_no,
        "court": filing.court,
        "creditor": filing.creditor,
        "amount_minor": filing.claim.amount_minor,
        "currency": filing.claim.currency,
    }
    sending = Sending(kind="enforcement", filing_id=each.granted)
    return desk.send(each, "enforcement", "enforcing", request, sending)


def _case(desk: Desk, each: Proceedings) -> tuple[Situation, Amount, dict[str, Any]]:
    """Answer the picture of a fit case, its claim, and what a letter is about: references, no names."""
    situation = each.situation
    assert situation is not None  # else it were unfit
    claim = desk.policy.claim(situation)
    assert claim is not None  # likewise
    about = {
        "point_id": situation.address_point_id,
        "language": situation.language,
        "creditor": situation.creditor,
        "accounts": list(situation.accounts),
        "oldest_due_on": situation.oldest_due_on.isoformat(),
        "amount_minor": claim.amount_minor,
        "currency": claim.currency,
    }
    return situation, claim, about
