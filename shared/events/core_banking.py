"""What core banking publishes on the topic `core-banking`: the facts that Arrears answers."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.events.envelope import AmountMinor, Currency, DateOn, Fact, Instant, Name

PointKind = Literal["mobile", "landline", "email", "wechat", "postal"]
Party = Literal["debtor", "co_debtor", "guarantor", "contact_person"]
Zone = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$")]
"""A name of the IANA time zone database."""


class ContactPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A way to reach a person. `value` (a number, an address of up to 512 characters) is personal data: the
    publisher seals it (shared/privacy/envelope.py), and every shell takes it out at the border, so behind the border it
    is empty and `zones` is filled. `place` tells where it reaches its person, if the bank knows.
    """

    point_id: Name
    kind: PointKind
    value: Annotated[str, Meta(max_length=4096)] = ""
    zones: tuple[Zone, ...] = ()
    party: Party
    obtained_via: Name = "contract"
    place: Literal["home", "work"] | None = None


class Jurisdiction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Whose law applies: ISO 3166-1 country, and a state or province, and a city, where it has its own rules.

    Cities are called as packs call them (NYC); `none` says that it is none of those.
    """

    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
    state: str | None = None
    city: Annotated[str, Meta(max_length=64)] | None = None


class CustomerUpdated(Fact, frozen=True, kw_only=True):
    """The whole record of a customer; the later `time` replaces the earlier one."""

    language: Annotated[str, Meta(min_length=2, max_length=35)]
    time_zones: tuple[Zone, ...]
    region: str
    jurisdiction: Jurisdiction
    risk_grade: str | None = None
    flags: tuple[str, ...] = ()
    preferred_channel: str | None = None
    contact_points: tuple[ContactPoint, ...] = ()


class CustomerMerged(Fact, frozen=True, kw_only=True):
    """Two records were one person: `from_customer_id` ends, `customer_id` goes on."""

    from_customer_id: Name


class Guarantee(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Somebody guarantees an account's debt. `until_on` is the last day for calling on them that was agreed.

    None agreed: the law's period after the account's `last_due_on` runs. `called_on`: they were called on within it, the
    way that their guarantee asks for: a joint one by a demand, a general one by a suit or arbitration against the
    debtor (CC 693). Of several guarantors of one debt: the one whose period ends first.
    """

    until_on: DateOn | None = None
    called_on: DateOn | None = None


class AccountUpdated(Fact, frozen=True, kw_only=True):
    """
    The whole record of an account; the later `time` replaces the earlier one.

    `creditor_kind` tells who has the claim: who lent, or who bought it. `last_due_on` is the day on which the debt, or the
    last of its instalments, falls due; `limitation_on` the last day on which a court still helps, where the bank has
    worked it out. What is not said is unknown, and a rule that asks for it blocks.
    """

    account_id: Name
    product: Literal["credit_card", "consumer_loan", "auto_loan", "mortgage", "business_loan"]
    currency: Currency
    creditor: Name
    collector_role: Literal["first_party", "third_party"]
    opened_on: DateOn | None = None
    limit_minor: AmountMinor | None = None
    balance_minor: AmountMinor | None = None
    secured: bool | None = None
    creditor_kind: Literal["originator", "credit_purchaser"] | None = None
    last_due_on: DateOn | None = None
    limitation_on: DateOn | None = None
    guarantee: Guarantee | None = None


class PaymentDue(Fact, frozen=True, kw_only=True):
    """An instalment will fall due; it makes nothing overdue by itself."""

    account_id: Name
    instalment_id: Name
    due_on: DateOn
    amount_minor: AmountMinor
    currency: Currency


class Components(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an unpaid amount consists of, in minor units."""

    principal: AmountMinor = 0
    interest: AmountMinor = 0
    fees: AmountMinor = 0


class PaymentMissed(Fact, frozen=True, kw_only=True):
    """
    An instalment was not (fully) paid: `amount_minor` is what is unpaid as of `as_of`
    (default: the event's time); payments booked up to then are already netted. `inferred` marks
    what an import concluded from a tape that does not say it in so many words.
    """

    account_id: Name
    instalment_id: Name
    due_on: DateOn
    amount_minor: AmountMinor
    currency: Currency
    as_of: Instant | None = None
    components: Components | None = None
    inferred: bool = False


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a payment goes to which instalment."""

    instalment_id: Name
    amount_minor: AmountMinor


class PaymentReceived(Fact, frozen=True, kw_only=True):
    """
    Money came in; without `allocations` it pays the oldest instalment first.

    `inferred` marks what an import concluded: an arrear ended, and no payment on the tape says how.
    """

    payment_id: Name
    account_id: Name
    amount_minor: AmountMinor
    currency: Currency
    value_on: DateOn
    allocations: tuple[Allocation, ...] = ()
    inferred: bool = False


class PaymentReversed(Fact, frozen=True, kw_only=True):
    """A payment did not hold (returned debit, chargeback); may arrive before its payment."""

    payment_id: Name
    account_id: Name
    reason: str


class InstalmentChanged(Fact, frozen=True, kw_only=True):
    """The bank changed an instalment: `amount_minor` is what is unpaid as of the event's time."""

    account_id: Name
    instalment_id: Name
    due_on: DateOn
    amount_minor: AmountMinor
    currency: Currency
    cause: Literal["rescheduled", "deferred", "waived", "charged"]


class StatedInstalment(msgspec.Struct, frozen=True, kw_only=True):
    """One unpaid instalment of a statement."""

    instalment_id: Name
    due_on: DateOn
    amount_minor: AmountMinor


class AccountStated(Fact, frozen=True, kw_only=True):
    """What core banking's books say on a date: the opening balance, later the reconciliation."""

    account_id: Name
    as_of_on: DateOn
    overdue_minor: AmountMinor
    total_due_minor: AmountMinor
    currency: Currency
    oldest_due_on: DateOn | None = None
    dpd: int | None = None
    instalments: tuple[StatedInstalment, ...] = ()


class AccountClosed(Fact, frozen=True, kw_only=True):
    """An account ended; a write-off is bookkeeping and ends neither the claim nor the case."""

    account_id: Name
    cause: Literal["settled", "written_off", "sold", "withdrawn"]


class CustomerDeceased(Fact, frozen=True, kw_only=True):
    """The customer died; `ended` takes the report back."""

    case_no: str | None = None
    ended: bool = False


class CustomerBankrupt(Fact, frozen=True, kw_only=True):
    """Insolvency proceedings `case_no` were opened, or ended (`ended`)."""

    case_no: str | None = None
    ended: bool = False


TYPES: dict[str, type[Fact]] = {
    "customer.updated": CustomerUpdated,
    "customer.merged": CustomerMerged,
    "account.updated": AccountUpdated,
    "payment.due": PaymentDue,
    "payment.missed": PaymentMissed,
    "payment.received": PaymentReceived,
    "payment.reversed": PaymentReversed,
    "instalment.changed": InstalmentChanged,
    "account.stated": AccountStated,
    "account.closed": AccountClosed,
    "customer.deceased": CustomerDeceased,
    "customer.bankrupt": CustomerBankrupt,
}
