"""What the notifier publishes about contacts, and the provider's receipts that it takes in over HTTP."""

from typing import Any, Literal

from shared.events.envelope import AmountMinor, Currency, DateOn, Fact, Instant, Name
from shared.events.scheduler import Channel

ReasonClass = Literal[
    "invalid_point",  # the number or address does not exist: the point is unusable from now on
    "unreachable",  # busy, switched off, no answer, mailbox full: may work another time
    "blocked",  # the carrier or the recipient refuses us
    "provider",  # the provider could not do it
    "expired",  # the window closed before it could leave
]


class ContactSent(Fact, frozen=True, kw_only=True):
    """The contact was handed over to the provider at the event's time; like every fact below under `permit_id`."""

    follow_up_id: Name
    effect_id: Name
    channel: Channel
    point_id: Name
    template: Name
    episode: int
    step: str
    attempt: int
    permit_id: str = ""


class ContactDelivered(Fact, frozen=True, kw_only=True):
    """The provider says that it reached the device, the mailbox or the letter box."""

    follow_up_id: Name
    effect_id: Name
    channel: Channel
    permit_id: str = ""


class ContactAnswered(Fact, frozen=True, kw_only=True):
    """Somebody answered; `right_party` tells whether it was the debtor (RPC)."""

    follow_up_id: Name
    effect_id: Name
    channel: Channel
    result: str
    right_party: bool
    permit_id: str = ""


class ContactFailed(Fact, frozen=True, kw_only=True):
    """
    A contact did not work. `final`: no further choice of this follow-up is left, so the step is over;
    otherwise the next choice is tried.
    """

    follow_up_id: Name
    effect_id: Name
    channel: Channel
    point_id: Name
    reason: ReasonClass
    final: bool
    permit_id: str = ""


class ContactRefused(Fact, frozen=True, kw_only=True):
    """
    The notifier did not act: the permit was none or over, or it knew better. The scheduler derives anew.

    `reason`: permit_expired, no_permit, permit_mismatch (another channel or point), packs_changed (the rules
    are not those it rests on), permit_refused (taken back), opted_out, invalid_point. `rules` are the rules in
    the way, `inputs` what was judged, `earliest_next` the instant before which asking again is no use (none:
    only an event can help).
    """

    follow_up_id: Name
    effect_id: Name
    reason: str
    permit_id: str = ""
    rules: tuple[str, ...] = ()
    inputs: dict[str, Any] = {}
    earliest_next: Instant | None = None


class ContactUnknown(Fact, frozen=True, kw_only=True):
    """It may or may not have left (a crash, and the provider cannot tell): never sent again, always counted."""

    follow_up_id: Name
    effect_id: Name
    channel: Channel
    permit_id: str = ""


class PromiseMade(Fact, frozen=True, kw_only=True):
    """The debtor promised to pay by a date; without an amount, all that is overdue."""

    promise_id: Name
    follow_up_id: Name
    promised_on: DateOn
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None


class ContactPointInvalidated(Fact, frozen=True, kw_only=True):
    """The point does not work: nobody uses it until core banking sends the record again."""

    point_id: Name
    reason: str


class OptOutRecorded(Fact, frozen=True, kw_only=True):
    """The person does not want this channel or point any more."""

    scope: Literal["point", "channel"]
    point_id: str | None = None
    channel: Channel | None = None


class ContactPointShared(Fact, frozen=True, kw_only=True):
    """
    The number of this point stands in the files of `k` customers, of which this one's has place `rank` (0: the oldest).

    A cap per number leaves each floor(cap / k), and at least one to the oldest. `k` is 1 when it is not shared any more.
    """

    point_id: Name
    k: int
    rank: int


class ContactPointCounted(Fact, frozen=True, kw_only=True):
    """What the vault tells the notifier's own case: as ContactPointShared. It never travels on Kafka."""

    point_id: Name
    k: int
    rank: int


class ProviderReceipt(Fact, frozen=True, kw_only=True):
    """
    What the provider (or our own effect worker) says became of an effect.

    `outcome`: sent, delivered, answered, failed, refused (it did not leave), unknown; `reason` is a reason
    class for failed, and why for refused (expired, no_permit, permit_mismatch, packs_changed); `result` what a
    call or reply brought (promised, refused, hardship, wrong_party, no_commitment, opt_out),
    `promised_on` the date of a promise. `at` is when the provider saw it.
    """

    effect_id: Name
    outcome: Literal["sent", "delivered", "answered", "failed", "refused", "unknown"]
    reason: str = ""
    result: str = ""
    promised_on: DateOn | None = None
    at: Instant | None = None


PUBLISHED: dict[str, type[Fact]] = {
    "contact.sent": ContactSent,
    "contact.delivered": ContactDelivered,
    "contact.answered": ContactAnswered,
    "contact.failed": ContactFailed,
    "contact.refused": ContactRefused,
    "contact.unknown": ContactUnknown,
    "promise.made": PromiseMade,
    "contact_point.invalidated": ContactPointInvalidated,
    "opt_out.recorded": OptOutRecorded,
    "contact_point.shared": ContactPointShared,
}
INTERNAL: dict[str, type[Fact]] = {"contact_point.counted": ContactPointCounted}

BY_HTTP: dict[str, type[Fact]] = {"provider.receipt": ProviderReceipt}
