"""The benchmarks' own service: it keeps the last payments of a customer (about 2 KB), and answers each with one event.

It stands in the scheduler's schema and topic. The rules cost next to nothing, so what is measured is the way.
"""

from datetime import UTC, date, datetime, timedelta

import msgspec
from msgspec.structs import replace

from shared.clock import AT_ONCE
from shared.decision import CaseState, Decision, Publish, Reactor
from shared.events.core_banking import Allocation, PaymentReceived
from shared.events.envelope import Event, Woken
from shared.events.scheduler import Amount, Choice, FollowUpDue, Situation
from shared.ids import derive
from shared.vault import Keys

KEPT = 11
KEYS = Keys(b"benchmark key of 32 bytes length")
LONG_AGO = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One payment; `told` when it was answered."""

    event_id: str
    account_id: str
    amount_minor: int
    currency: str
    value_on: date
    time: datetime
    told: bool = False


class Tab(CaseState, frozen=True, kw_only=True):
    """The last payments of a customer."""

    entries: tuple[Entry, ...] = ()

    def json(self) -> str:
        """Answer the state as it is stored."""
        return msgspec.json.encode(self).decode()


def entry_of(data: PaymentReceived, event_id: str, time: datetime) -> Entry:
    """Answer the entry of a payment."""
    return Entry(
        event_id=event_id,
        account_id=data.account_id,
        amount_minor=data.amount_minor,
        currency=data.currency,
        value_on=data.value_on,
        time=time,
    )


def answer(customer_id: str, entry: Entry) -> FollowUpDue:
    """Answer what is published about a payment."""
    return FollowUpDue(
        customer_id=customer_id,
        follow_up_id=entry.event_id,
        kind="contact",
        episode=1,
        stage="contact",
        step="thanks",
        choices=(
            Choice(channel="sms", point_id="mobile-1", template="thanks"),
            Choice(channel="email", point_id="email-1", template="thanks"),
        ),
        not_before=entry.time,
        not_after=entry.time + timedelta(days=2),
        situation=Situation(
            dpd=12,
            bucket="M1",
            overdue=(Amount(currency=entry.currency, amount_minor=entry.amount_minor),),
            oldest_due_on=entry.value_on,
            accounts=(entry.account_id,),
            region="CN-SH",
            time_zones=("Asia/Shanghai",),
            country="CN",
            products=("credit_card",),
            creditor="bank",
        ),
    )


def decide(state: Tab, event: Event, now: datetime, policy: object) -> Decision[Tab]:  # noqa: ARG001
    """Note a payment; a tick answers every payment that has no answer yet."""
    match event.data:
        case PaymentReceived() as data:
            entries = (*state.entries[1 - KEPT :], entry_of(data, event.id, event.time))
            return Decision(replace(state, entries=entries, wake_at=AT_ONCE))
        case Woken(fresh=True, customer_id=customer_id):
            new = [entry for entry in state.entries if not entry.told]
            return Decision(
                replace(state, entries=told(state.entries), wake_at=None),
                tuple(Publish(entry.event_id, answer(customer_id, entry)) for entry in new),
            )
        case _:
            return Decision(state)


def told(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Answer the entries, every one of them answered."""
    return tuple(entry if entry.told else replace(entry, told=True) for entry in entries)


REACTOR: Reactor[Tab] = Reactor(
    name="scheduler",
    state=Tab,
    decide=decide,
    policy={"benchmark": True},
    reacts_to=frozenset({"payment.received"}),
    publishes=frozenset({"follow_up.due"}),
)


def payment(customer_id: str, number: int) -> PaymentReceived:
    """Make the payment No. *number*, about 400 bytes as JSON."""
    account_id = f"{customer_id}-card"
    allocations = tuple(
        Allocation(instalment_id=f"{account_id}/2026-{month:02d}", amount_minor=25_000 + number)
        for month in (1, 2, 3)
    )
    return PaymentReceived(
        customer_id=customer_id,
        payment_id=derive("benchmark", "payment", number),
        account_id=account_id,
        amount_minor=75_000 + 3 * number,
        currency="CNY",
        value_on=date(2026, 3, 2),
        allocations=allocations,
    )


def filled(customer_id: str, *, due: bool = False) -> Tab:
    """Make a state of full size, all of it answered but, where it is *due*, the last payment."""
    entries = told(
        tuple(
            entry_of(
                payment(customer_id, number),
                derive("benchmark", customer_id, number),
                LONG_AGO + timedelta(minutes=number),
            )
            for number in range(KEPT)
        )
    )
    if due:
        entries = (*entries[:-1], replace(entries[-1], told=False))
    return Tab(entries=entries, wake_at=AT_ONCE if due else None)
