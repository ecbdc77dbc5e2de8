"""One follow-up in one tick: report what was told of its choices, and start the choice whose turn it is."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast, get_args

from msgspec.structs import replace

from services.notifier.domain.correspondence import IN_ORDER, Contact, Notice, Receipt, Told
from services.notifier.policy import NotifierPolicy, choose_language, days_to_pay
from shared.decision import Effect
from shared.events.envelope import Fact
from shared.events.notifier import (
    ContactAnswered,
    ContactDelivered,
    ContactFailed,
    ContactPointInvalidated,
    ContactRefused,
    ContactSent,
    ContactUnknown,
    PromiseMade,
    ReasonClass,
)
from shared.events.scheduler import Situation
from shared.ids import derive

PERMIT_EXPIRED = "permit_expired"
_REASONS = frozenset(get_args(ReasonClass))


@dataclass
class Turn:
    """
    The turn of the follow-up `follow_up_id` at `now`; take() fills the lists, in order.

    `reports` pairs each fact with the effect_id that it is about.
    """

    customer_id: str
    follow_up_id: str
    now: datetime
    policy: NotifierPolicy
    reports: list[tuple[str, Fact]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    withdraw: list[str] = field(default_factory=list)

    def take(self, before: Notice, news: dict[str, list[Receipt]], *, cancelled: bool) -> Notice:
        """
        Go through the choices in order, up to the one under way; answer the notice after it.

        A choice is started when all before it were told failed, unless something ended the follow-up.
        The receipts of a choice are taken out of *news* once all before it were told failed, started
        or not: so it does not matter whether the failure or what ended the follow-up was told first.
        """
        if before.begun and not any(choice.effect_id in news for choice in before.contacts):
            return self._forgetful(before, cancelled=cancelled)
        contacts = list(before.contacts)
        news_at = before.news_at
        over = cancelled
        started = before.started
        for index, choice in enumerate(before.contacts):
            starts = index >= started and not over
            contact = self._start(before, choice) if starts else choice
            receipts = news.pop(contact.effect_id, [])
            final = index == len(contacts) - 1
            contacts[index] = self._report(before, contact, receipts, final=final)
            news_at = max([news_at, *(receipt.time for receipt in receipts)])
            over = over or contacts[index].ends
            if "failed" not in contacts[index].told:
                break
        after = replace(before, contacts=tuple(contacts), news_at=news_at, begun=True)
        if after.ended:
            told = {contact.effect_id for contact in contacts if contact.told}
            self.withdraw += [effect_id for effect_id in before.pending if effect_id not in told]
        return self._forgetful(after, cancelled=cancelled)

    def _forgetful(self, notice: Notice, *, cancelled: bool) -> Notice:
        """Drop the situation once no further text can be needed."""
        if notice.situation is not None and (
            cancelled
            or notice.ended
            or notice.started == len(notice.contacts)
            or self.now >= notice.not_after
        ):
            return replace(notice, situation=None)
        return notice

    def _start(self, notice: Notice, contact: Contact) -> Contact:
        if self.now >= notice.not_after:
            self._say(contact, ContactRefused, reason=PERMIT_EXPIRED)
            return replace(contact, told=("refused",))
        self.effects.append(self._effect(notice, contact))
        return contact

    def _effect(self, notice: Notice, contact: Contact) -> Effect:
        situation = cast("Situation", notice.situation)
        as_of_on = situation.oldest_due_on + timedelta(days=situation.dpd)
        grace = timedelta(days=days_to_pay(contact.template, self.policy))
        return Effect(
            effect_id=contact.effect_id,
            kind=f"contact.{contact.channel}",
            request={
                "follow_up_id": self.follow_up_id,
                "episode": notice.episode,
                "step": notice.step,
                "attempt": notice.attempt,
                "channel": contact.channel,
                "point_id": contact.point_id,
                "template": contact.template,
                "language": choose_language(situation.language, self.policy),
                "as_of_on": as_of_on.isoformat(),
                "pay_by_on": (as_of_on + grace).isoformat(),
                "oldest_due_on": situation.oldest_due_on.isoformat(),
                "dpd": situation.dpd,
                "overdue": [
                    {"currency": due.currency, "amount_minor": due.amount_minor}
                    for due in situation.overdue
                ],
                "accounts": list(situation.accounts),
                "creditor": situation.creditor,
                "region": situation.region,
            },
            not_before=notice.not_before,
            not_after=notice.not_after,
        )

    def _report(
        self, notice: Notice, contact: Contact, receipts: list[Receipt], *, final: bool
    ) -> Contact:
        told: dict[Told, Receipt] = {}
        for receipt in receipts:
            for what in _tells(receipt):
                if what not in contact.told:
                    told.setdefault(what, receipt)
        for what in IN_ORDER:
            if what in told:
                self._tell(what, told[what], notice, contact, final=final)
        return replace(
            contact, told=tuple(what for what in IN_ORDER if what in contact.told or what in told)
        )

    def _tell(
        self, what: Told, receipt: Receipt, notice: Notice, contact: Contact, *, final: bool
    ) -> None:
        match what:
            case "sent":
                self._say(
                    contact,
                    ContactSent,
                    channel=contact.channel,
                    point_id=contact.point_id,
                    template=contact.template,
                    episode=notice.episode,
                    step=notice.step,
                    attempt=notice.attempt,
                )
            case "delivered":
                self._say(contact, ContactDelivered, channel=contact.channel)
            case "answered":
                self._say(
                    contact,
                    ContactAnswered,
                    channel=contact.channel,
                    result=receipt.result,
                    right_party=receipt.result != "wrong_party",
                )
            case "promised":
                promise = PromiseMade(
                    customer_id=self.customer_id,
                    promise_id=derive("notifier", self.customer_id, contact.effect_id, "promise"),
                    follow_up_id=self.follow_up_id,
                    promised_on=cast("date", receipt.promised_on),
                )
                self.reports.append((contact.effect_id, promise))
            case "failed":
                self._say(
                    contact,
                    ContactFailed,
                    channel=contact.channel,
                    point_id=contact.point_id,
                    reason=receipt.reason if receipt.reason in _REASONS else "provider",
                    final=final,
                )
            case "invalidated":
                invalid = ContactPointInvalidated(
                    customer_id=self.customer_id, point_id=contact.point_id, reason=receipt.reason
                )
                self.reports.append((contact.effect_id, invalid))
            case "refused":
                reason = PERMIT_EXPIRED if receipt.reason == "expired" else receipt.reason
                self._say(contact, ContactRefused, reason=reason)
            case _:  # unknown is the only one left
                self._say(contact, ContactUnknown, channel=contact.channel)

    def _say(self, contact: Contact, model: type[Fact], **fields: Any) -> None:
        about = {"follow_up_id": self.follow_up_id, "effect_id": contact.effect_id}
        self.reports.append(
            (contact.effect_id, model(customer_id=self.customer_id, **about, **fields))
        )


def _tells(receipt: Receipt) -> tuple[Told, ...]:
    """Name all that a receipt says: what arrived has left, whether its `sent` came or not."""
    match receipt.outcome:
        case "delivered":
            return ("sent", "delivered")
        case "answered" if receipt.result == "promised" and receipt.promised_on is not None:
            return ("sent", "answered", "promised")
        case "answered":
            return ("sent", "answered")
        case "failed" if receipt.reason == "invalid_point":
            return ("failed", "invalidated")
        case other:
            return (other,)
