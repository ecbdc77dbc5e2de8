"""Read what was said of our letters, filings and requests, in one fixed order whatever order it came in."""

from datetime import timedelta
from typing import Literal

from msgspec.structs import replace

from services.legal.domain.desk import Desk
from services.legal.domain.state import Kind, Proceedings, Stage, Step
from shared.events.legal import (
    LegalAccepted,
    LegalEnforced,
    LegalFiled,
    LegalJudged,
    LegalLetterSent,
)

READING_ORDER = (
    "sent",
    "delivered",
    "accepted",
    "granted",
    "settled",
    "dismissed",
    "rejected",
    "recovered",
    "no_assets",
    "failed",
    "refused",
    "unknown",
)
Judgment = Literal["granted", "dismissed", "settled"]
NOT_MADE = frozenset({"failed", "refused", "unknown"})
JUDGMENTS: dict[str, Judgment] = {
    "granted": "granted",
    "settled": "settled",
    "dismissed": "dismissed",
}
ENDS: dict[str, Literal["recovered", "no_assets"]] = {
    "recovered": "recovered",
    "no_assets": "no_assets",
}
BEFORE: dict[Kind, tuple[Stage, Step]] = {
    "letter": ("due", "assess"),
    "filing": ("demanded", "file"),
    "enforcement": ("judged", "enforce"),
}
"""Where the proceedings stand, and what is to be done, when an effect of this kind did not leave."""


def read(desk: Desk, each: Proceedings) -> Proceedings:
    """Answer the proceedings after all that is new; what happened outside is told even after the end."""
    for effect_id in sorted(each.sendings):
        sending = each.sendings[effect_id]
        for outcome in READING_ORDER:
            if outcome in sending.news:
                each = _read_one(desk, each, effect_id, outcome)
                each = _remember(each, effect_id, outcome)
    return each


def _remember(each: Proceedings, effect_id: str, outcome: str) -> Proceedings:
    sending = each.sendings[effect_id]
    news = {name: notice for name, notice in sending.news.items() if name != outcome}
    read = replace(sending, news=news, told=tuple(sorted({*sending.told, outcome})))
    return replace(each, sendings={**each.sendings, effect_id: read})


def _read_one(desk: Desk, each: Proceedings, effect_id: str, outcome: str) -> Proceedings:
    sending = each.sendings[effect_id]
    if outcome in NOT_MADE:
        return _not_made(desk, each, effect_id, outcome)
    if each.current == effect_id:
        each = replace(each, current="", recalled=False, tries=0)
    if sending.kind == "letter":
        return _letter(desk, each, effect_id, outcome)
    if sending.kind == "filing":
        return _filing(desk, each, effect_id, outcome)
    return _enforcement(desk, each, effect_id, outcome)


def _not_made(desk: Desk, each: Proceedings, effect_id: str, outcome: str) -> Proceedings:
    """It did not leave, or nobody knows; of what left and of former tries nothing follows."""
    if each.current != effect_id:
        return each
    sending = each.sendings[effect_id]
    tries = each.tries + 1
    each = replace(each, current="", recalled=False, tries=tries)
    if outcome == "unknown" or tries >= desk.policy.max_tries:
        why = f"{sending.kind}: {sending.news[outcome].reason or outcome}"
        return desk.give_up(each, why, sending.permit_id if outcome == "unknown" else "")
    stage, step = BEFORE[sending.kind]
    retry_at = desk.policy.after(desk.now, desk.policy.retry_after_days)
    return desk.wait(replace(each, stage=stage), step, retry_at)


def _letter(desk: Desk, each: Proceedings, effect_id: str, outcome: str) -> Proceedings:
    if outcome != "sent":
        return each
    reply_by_on = desk.policy.reply_by_on(each.sendings[effect_id].news["sent"].at)
    desk.say(
        effect_id,
        LegalLetterSent(
            customer_id=desk.customer_id,
            follow_up_id=desk.follow_up_id,
            effect_id=effect_id,
            reply_by_on=reply_by_on,
            permit_id=each.sendings[effect_id].permit_id,
            point_id=each.sendings[effect_id].point_id,
            accounts=each.sendings[effect_id].accounts,
        ),
    )
    demanded = desk.advance(each, "demanded")
    if demanded is each:
        return each
    return desk.wait(demanded, "file", desk.policy.on(reply_by_on + timedelta(days=1)))


def _filing(desk: Desk, each: Proceedings, effect_id: str, outcome: str) -> Proceedings:
    sending = each.sendings[effect_id]
    notice = sending.news[outcome]
    each = replace(each, case_no=each.case_no or notice.case_no)
    if outcome == "sent":
        assert sending.claim is not None  # every filing has one
        filed = LegalFiled(
            customer_id=desk.customer_id,
            filing_id=effect_id,
            follow_up_id=desk.follow_up_id,
            court=sending.court,
            amount_minor=sending.claim.amount_minor,
            currency=sending.claim.currency,
        )
        desk.say(effect_id, filed)
        return desk.advance(each, "filed")
    if outcome == "accepted":
        accepted = LegalAccepted(
            customer_id=desk.customer_id, filing_id=effect_id, case_no=notice.case_no
        )
        desk.say(effect_id, accepted)
        return desk.advance(each, "accepted")
    if outcome == "rejected" and each.stage != "ended":
        return desk.give_up(each, f"rejected: {notice.reason}" if notice.reason else "rejected")
    if outcome in JUDGMENTS and not set(JUDGMENTS) & set(sending.told):
        return _judged(desk, each, effect_id, JUDGMENTS[outcome])
    return each


def _judged(desk: Desk, each: Proceedings, effect_id: str, result: Judgment) -> Proceedings:
    desk.say(
        effect_id,
        LegalJudged(customer_id=desk.customer_id, filing_id=effect_id, result=result),
    )
    if each.stage == "ended":
        return each
    if result != "granted":
        return desk.end(each)
    judged = replace(desk.advance(each, "judged"), granted=effect_id)
    return desk.wait(judged, "enforce", desk.policy.after(desk.now, desk.policy.grace_days))


def _enforcement(desk: Desk, each: Proceedings, effect_id: str, outcome: str) -> Proceedings:
    sending = each.sendings[effect_id]
    if outcome not in ENDS:
        return desk.advance(each, "enforcing")
    if set(ENDS) & set(sending.told):
        return each
    desk.say(
        sending.filing_id,
        LegalEnforced(
            customer_id=desk.customer_id, filing_id=sending.filing_id, result=ENDS[outcome]
        ),
    )
    return each if each.stage == "ended" else desk.end(each)
