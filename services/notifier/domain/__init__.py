"""Notifier: take a contact that is due to the customer, choice by choice, and report what became of it.

    idle --follow_up.due (the first choice leaves, under its permit)--> contacting
    contacting --failed, a choice is left--> contacting --permit.granted (it leaves)--> contacting
               --delivered, answered, refused, unknown, last choice failed, permit.refused,
                 opted out or point invalid, follow_up.cancelled--> idle

Facts only join sets: follow-ups that are due, or cancelled, permits, receipts. The tick reads
the sets and acts. So facts may come in any order and any number of times: what is published follows
from what was told, not from when.
"""

from datetime import datetime
from typing import cast

from msgspec.structs import replace

from services.notifier.domain import sharing
from services.notifier.domain.correspondence import (
    Contact,
    Correspondence,
    Grant,
    Notice,
    Receipt,
)
from services.notifier.domain.leave import Leave, barring, newly_barred, refusal_of
from services.notifier.domain.turn import Turn
from services.notifier.policy import NotifierPolicy
from shared.clock import AT_ONCE
from shared.decision import Decision, Effect, Publish, placed
from shared.events.envelope import Event, Woken
from shared.events.notifier import ContactPointCounted, ProviderReceipt
from shared.events.permits import PermitGranted, PermitRefused
from shared.events.scheduler import FollowUpCancelled, FollowUpDue, Situation
from shared.ids import derive

__all__ = ["Contact", "Correspondence", "Notice", "Receipt", "decide"]


def decide(
    state: Correspondence, event: Event, now: datetime, policy: NotifierPolicy
) -> Decision[Correspondence]:
    """Answer one event; what is unknown, or repeated, or due without choice or permit changes nothing."""
    match event.data:
        case (
            FollowUpDue(
                kind="contact",
                choices=(_, *_),
                not_before=datetime(),
                not_after=datetime(),
                situation=Situation() as picture,
            ) as due
        ) if due.follow_up_id not in state.notices:
            notices = {**state.notices, due.follow_up_id: _notice(due, event.time)}
            seen = placed(state, picture.region, picture.creditor)
            return Decision(replace(seen, notices=notices, wake_at=AT_ONCE))

        case FollowUpCancelled(kind="contact", follow_up_id=follow_up_id):
            at = max(event.time, state.cancelled.get(follow_up_id, event.time))
            cancelled = {**state.cancelled, follow_up_id: at}
            known = state.notices.get(follow_up_id)
            return Decision(
                replace(state, cancelled=cancelled, wake_at=AT_ONCE),
                withdraw=known.pending if known else (),
            )

        case PermitGranted(follow_up_id=follow_up_id, permit=permit) if (
            follow_up_id and permit.channel != "visit"
        ):
            grant = Grant(follow_up_id=follow_up_id, permit=permit, at=event.time)
            before = state.grants.get(permit.permit_id, grant)
            latest = max(grant, before, key=lambda each: (each.at, repr(each)))
            grants = {**state.grants, permit.permit_id: latest}
            return Decision(_awake(replace(state, grants=grants), follow_up_id))

        case PermitRefused() as refused if refused.follow_up_id and refused.channel != "visit":
            refusal = refusal_of(refused, event.time)
            known_so_far = state.refusals.get(refused.permit_id, refusal)
            newest_refusal = max(refusal, known_so_far, key=lambda each: (each.at, repr(each)))
            refusals = {**state.refusals, refused.permit_id: newest_refusal}
            told = replace(state, refusals=refusals)
            return Decision(
                _awake(told, refused.follow_up_id), withdraw=_known_better(told, policy)
            )

        # A receipt for an effect that is not known yet is held, not ignored. Live, no provider can
        # know an effect before it is saved together with the state. But the input of a replay may
        # hold receipts, and an instant delivers its facts before the tick that makes the effect:
        # a receipt captured in a stepped run bears the very instant at which its effect left.
        case ProviderReceipt() as told:
            receipts = {*state.receipts, _receipt(told, event.time)}
            newest = sorted(receipts, key=lambda r: r.place)[-policy.receipts_kept :]
            heard = replace(state, receipts=tuple(newest), wake_at=AT_ONCE)
            bars = barring(told.outcome, told.reason, told.result)
            return Decision(heard, withdraw=_known_better(heard, policy) if bars else ())

        case ContactPointCounted() as count:
            return Decision(sharing.counted(state, count))

        case Woken(fresh=True, customer_id=customer_id):
            return _look(state, customer_id, now, policy)

        case _:
            return Decision(state)


def _awake(state: Correspondence, follow_up_id: str) -> Correspondence:
    """Ask for a tick, if it is about a follow-up that is under way."""
    known = state.notices.get(follow_up_id)
    return state if known is None or known.ended else replace(state, wake_at=AT_ONCE)


def _leave(state: Correspondence, policy: NotifierPolicy) -> Leave:
    barred = newly_barred(state, state.receipts)
    return Leave(state.grants, state.refusals, barred, policy)


def _known_better(state: Correspondence, policy: NotifierPolicy) -> tuple[str, ...]:
    """Name the effects that must not leave any more, by what is known now; the tick reports them."""
    leave = _leave(state, policy)
    heard = {receipt.effect_id for receipt in state.receipts}
    return tuple(
        effect_id
        for effect_id, contact in sorted(state.pending().items())
        if effect_id not in heard and leave.against(contact)
    )


def _notice(due: FollowUpDue, time: datetime) -> Notice:
    identity = (due.customer_id, due.episode, due.step, due.attempt)
    contacts = [
        Contact(
            effect_id=derive("notifier", *identity, index, "contact"),
            channel=choice.channel,
            point_id=choice.point_id,
            template=choice.template,
            content=choice.content,
            message_id=choice.message_id,
        )
        for index, choice in enumerate(due.choices)
    ]
    if permit := due.choices[0].permit:
        contacts[0] = replace(
            contacts[0],
            permit=permit,
            permit_id=permit.permit_id,
            granted_at=time,
        )
    return Notice(
        episode=due.episode,
        step=due.step,
        attempt=due.attempt,
        contacts=tuple(contacts),
        not_before=cast("datetime", due.not_before),
        not_after=cast("datetime", due.not_after),
        news_at=time,
        situation=due.situation,
    )


def _receipt(told: ProviderReceipt, time: datetime) -> Receipt:
    return Receipt(
        effect_id=told.effect_id,
        outcome=told.outcome,
        reason=told.reason,
        result=told.result,
        promised_on=told.promised_on,
        time=time,
    )


def _look(
    state: Correspondence, customer_id: str, now: datetime, policy: NotifierPolicy
) -> Decision[Correspondence]:
    """Report what was told since the last tick, start what is due, forget what is long over."""
    news: dict[str, list[Receipt]] = {}
    for receipt in state.receipts:
        news.setdefault(receipt.effect_id, []).append(receipt)
    notices: dict[str, Notice] = {}
    publish: list[Publish] = []
    effects: list[Effect] = []
    withdraw: list[str] = []
    waits = False
    leave = _leave(state, policy)
    for follow_up_id, before in sorted(state.notices.items()):
        cancelled = follow_up_id in state.cancelled
        if cancelled and not before.begun:
            continue
        turn = Turn(customer_id, follow_up_id, now, policy, leave)
        notice = turn.take(before, news, cancelled=cancelled)
        publish += [Publish(about, data) for about, data in turn.reports]
        effects += turn.effects
        withdraw += turn.withdraw
        if max(notice.not_after, notice.news_at + policy.keep) > now:
            notices[follow_up_id] = notice
            waits = waits or (notice.waits and not cancelled)
    # A cancellation is kept at least as long as its follow-up: without it the follow-up would go on.
    cancelled_at = {
        follow_up_id: at
        for follow_up_id, at in state.cancelled.items()
        if follow_up_id in notices or at + policy.keep > now
    }
    since = now - policy.leave_kept
    held = [r for r in state.receipts if r.effect_id in news and r.time + policy.keep > now]
    shares, news_of_shares = sharing.told(state, customer_id)
    publish += news_of_shares
    after = Correspondence(
        stage="contacting" if waits else "idle",
        notices=notices,
        cancelled=cancelled_at,
        receipts=tuple(held),
        grants={k: g for k, g in state.grants.items() if _is_needed(g, notices, now)},
        refusals={k: r for k, r in state.refusals.items() if r.at > since or _is_about(k, notices)},
        barred={k: b for k, b in leave.barred.items() if b.at > since},
        shares=shares,
        region=state.region,
        portfolio=state.portfolio,
    )
    return Decision(after, tuple(publish), tuple(effects), tuple(withdraw))


def _is_needed(grant: Grant, notices: dict[str, Notice], now: datetime) -> bool:
    """Tell whether leave may still be used: its follow-up is under way, or may yet be heard of."""
    notice = notices.get(grant.follow_up_id)
    if notice is None:
        return grant.permit.not_after > now
    return not notice.ended


def _is_about(permit_id: str, notices: dict[str, Notice]) -> bool:
    return any(
        contact.permit_id == permit_id
        for notice in notices.values()
        if not notice.ended
        for contact in notice.contacts
    )
