"""Draw facts of core banking at random from a small world, so that they often concern the same things."""

from datetime import date, timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.events.envelope import Event
from shared.testing import START
from tests.domain.scheduler.cases import changed, closed, due, missed, received, stated, taken_back

TIMES = st.integers(0, 6).map(lambda n: START + timedelta(hours=12 * n))
AMOUNTS = st.integers(1, 6)
INSTALMENTS = st.sampled_from(["I1", "I2", "I3"])
ACCOUNTS = st.sampled_from(["A", "A", "A", "B"])
CURRENCIES = st.sampled_from(["CNY", "CNY", "CNY", "USD"])
PAYMENTS = st.sampled_from(["P1", "P2", "P3"])
DAYS = st.integers(0, 8).map(lambda n: (date(2026, 2, 27) + timedelta(days=n)).isoformat())


@st.composite
def money_fact(draw: st.DrawFn) -> Event:
    """One fact about money, without an id of its own yet."""
    when = draw(TIMES)
    named = {"account_id": draw(ACCOUNTS), "currency": draw(CURRENCIES)}
    claim = {
        **named, "instalment_id": draw(INSTALMENTS), "due_on": draw(DAYS), "amount_minor": draw(AMOUNTS),
    }  # fmt: skip
    match draw(st.sampled_from("dmmmmrrrrrrbbbbcccssx")):
        case "d":
            return due(when, **claim)
        case "m":
            return missed(when, as_of=draw(st.none() | TIMES), **claim)
        case "r":
            parts = draw(st.dictionaries(INSTALMENTS, AMOUNTS, max_size=2))
            amount = draw(AMOUNTS) + sum(parts.values())
            return received(
                when, amount, payment_id=draw(PAYMENTS), value_on=draw(DAYS), to=parts, **named
            )
        case "b":
            return taken_back(when, draw(PAYMENTS), named["account_id"])
        case "c":
            return changed(when, **claim)
        case "s":
            lines = draw(st.dictionaries(INSTALMENTS, st.tuples(DAYS, AMOUNTS), max_size=2))
            return stated(when, draw(st.integers(0, 9)), lines, **named)
        case _:
            causes = st.sampled_from(["settled", "written_off", "sold"])
            return closed(when, draw(causes), named["account_id"])


def numbered(facts: list[Event]) -> list[Event]:
    """Give each its own id: two that say the same are a repetition under a new event id."""
    return [replace(event, id=f"e{number}") for number, event in enumerate(facts)]


MONEY = st.lists(money_fact(), min_size=1, max_size=12).map(numbered)
