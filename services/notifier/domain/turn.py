"""One follow-up in one tick: report what was told of its choices, and start the choice whose turn it is."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast, get_args

from msgspec.structs import replace

from services.notifier.domain.correspondence import IN_ORDER, Contact, Notice, Receipt, Told
from services.notifier.domain.leave import (
    MISMATCH,
    NO_PERMIT,
    OPTED_OUT,
    PERMIT_EXPIRED,
    Leave,
    Why,
    barring,
    of_permit,
    suits,
)
from services.notifier.domain.request import request_of
from services.notifier.policy import NotifierPolicy
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
    OptOutRecorded,
    PromiseMade,
    ReasonClass,
)
from shared.events.permits import Permit
from shared.ids import derive

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
    leave: Leave
    reports: list[tuple[str, Fact]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    withdraw: list[str] = field(default_factory=list)

    def take(self, before: Notice, news: dict[str, list[Receipt]], *, cancelled: bool) -> Notice:
        """
        Go through the choices in order, up to the one under way; answer the notice after it.

        The first choice is started at once, another when all before it had their turn and it has its own
        permit, unless something ended the follow-up. The receipts of a choice that waits for its permit are
        left in *news*; once something ended the follow-up they are taken out, started or not: so it
        does not matter whether the failure or what ended the follow-up was told first.
        """
        contacts = list(before.contacts)
        news_at = before.news_at
        over = cancelled
        started = before.started
        for index, choice in enumerate(before.contacts):
            if index >= started and not over and not choice.told:
                begun = self._begin(before, contacts, index)
                if begun is None:
                    break
                contacts[index] = begun
            receipts = news.pop(choice.effect_id, [])
            final = index == len(contacts) - 1
            reported = self._report(before, contacts[index], receipts, final=final)
            contacts[index] = self._judge(reported, is_over=over)
            news_at = max([news_at, *(receipt.time for receipt in receipts)])
            over = over or contacts[index].ends
            if not contacts[index].passed:
                break
        after = replace(before, contacts=tuple(contacts), news_at=news_at, begun=True)
        if after.ended:
            told = {contact.effect_id for contact in contacts if contact.told}
            self.withdraw += [effect_id for effect_id in before.pending if effect_id not in told]
        return self._forgetful(after, cancelled=cancelled)

    def _forgetful(self, notice: Notice, *, cancelled: bool) -> Notice:
        """Drop the situation once no further text can be needed, or be right."""
        if notice.situation is not None and (
            cancelled
            or notice.ended
            or notice.started == len(notice.contacts)
            or self.now >= self._picture_until(notice)
        ):
            return replace(notice, situation=None)
        return notice

    def _begin(self, notice: Notice, contacts: list[Contact], index: int) -> Contact | None:
        """Start a choice under its permit, or skip it for a later one that has leave; None: it waits."""
        contact = contacts[index]
        if not index:
            started = replace(contact, permit=None)
            return self._start(notice, started, contact.permit, notice.not_before, notice.not_after)
        used = {each.permit_id for each in contacts}
        grants = [self.leave.granted(self.follow_up_id, each, used) for each in contacts[index:]]
        if grants[0] is None:
            return replace(contact, told=("skipped",)) if any(grants) else None
        permit = grants[0].permit
        started = replace(contact, permit_id=permit.permit_id, granted_at=grants[0].at)
        until = self._picture_until(notice)
        return self._start(notice, started, permit, permit.not_before, until)

    def _picture_until(self, notice: Notice) -> datetime:
        return notice.not_after + self.policy.leave_kept

    def _start(
        self,
        notice: Notice,
        contact: Contact,
        permit: Permit | None,
        not_before: datetime,
        not_after: datetime,
    ) -> Contact:
        if permit is None:
            return self._refuse(contact, self._wrong(NO_PERMIT, contact, permit))
        if not suits(permit, contact):
            return self._refuse(contact, self._wrong(MISMATCH, contact, permit))
        not_before = max(not_before, permit.not_before)
        not_after = min(not_after, permit.not_after)
        if self.now >= not_after:
            return self._refuse(contact, self._wrong(PERMIT_EXPIRED, contact, permit))
        request = request_of(self.follow_up_id, notice, contact, permit, self.policy)
        kind = f"contact.{contact.channel}"
        self.effects.append(Effect(contact.effect_id, kind, request, not_before, not_after))
        return contact

    def _judge(self, contact: Contact, *, is_over: bool) -> Contact:
        """
        Take a contact back that has not left, so far as is known, if something newer speaks against it.

        The fact that brought it withdrew the effect.
        """
        why = None if contact.told or is_over else self.leave.against(contact)
        if why is None:
            return contact
        self.effects = [each for each in self.effects if each.effect_id != contact.effect_id]
        return self._refuse(contact, why)

    def _wrong(self, reason: str, contact: Contact, permit: Permit | None) -> Why:
        return of_permit(reason, contact, permit, self.now, self.policy)

    def _refuse(self, contact: Contact, why: Why) -> Contact:
        self._say_refused(contact, why)
        return replace(contact, told=("refused",))

    def _say_refused(self, contact: Contact, why: Why) -> None:
        self._say(
            contact,
            ContactRefused,
            reason=why.reason,
            rules=why.rules,
            inputs=dict(why.inputs),
            earliest_next=why.earliest_next,
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
            case "opted_out":
                opt_out = OptOutRecorded(
                    customer_id=self.customer_id, scope="point", point_id=contact.point_id
                )
                self.reports.append((contact.effect_id, opt_out))
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
                why = of_permit(reason, contact, None, receipt.time, self.policy)
                self._say_refused(contact, why)
            case _:  # unknown is the only one left
                self._say(contact, ContactUnknown, channel=contact.channel)

    def _say(self, contact: Contact, model: type[Fact], **fields: Any) -> None:
        about = {
            "follow_up_id": self.follow_up_id,
            "effect_id": contact.effect_id,
            "permit_id": contact.permit_id,
        }
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
        case "answered" if barring(receipt.outcome, receipt.reason, receipt.result) == OPTED_OUT:
            return ("sent", "answered", "opted_out")
        case "answered":
            return ("sent", "answered")
        case "failed" if receipt.reason == "invalid_point":
            return ("failed", "invalidated")
        case other:
            return (other,)
