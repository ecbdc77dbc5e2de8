"""A cap on a number that stands in several files, end to end: records, the vault's count, the notifier's word, the gate."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.events import contacts, core_banking
from shared.events.envelope import Event
from shared.events.jsonl import write_line
from shared.events.permits import PermitGranted
from shared.replay.reading import read
from shared.replay.run import all_reactors, replay
from shared.services import standing, strategy
from shared.testing import START, fact

RULE = "CN.FREQ.ATTEMPT6"
MORNING = START + timedelta(hours=1)


def capped(most: int):
    """The standard policy with one rule in all: at most so many calls a day to a number that nobody answers."""
    policy = strategy(None)
    packs = tuple(
        replace(
            pack, rules=tuple(replace(rule, max=most) for rule in pack.rules if rule.id == RULE)
        )
        for pack in policy.packs
        if pack.pack.startswith("cn-bank")
    )
    assert sum(len(pack.rules) for pack in packs) == 1
    return replace(policy, packs=packs, ladder=())


def file_of(customer: str, number: int, told_at) -> list[Event]:
    """A customer who owes, with the household's number; a person asks for five calls in the morning."""
    point = core_banking.ContactPoint(
        point_id=f"p-{customer}", kind="mobile", party="debtor", value="+86 10 1000 0001"
    )
    facts = [
        core_banking.CustomerUpdated(
            customer_id=customer, language="zh-CN", time_zones=("Asia/Shanghai",), region="R",
            jurisdiction=core_banking.Jurisdiction(country="CN"), contact_points=(point,),
        ),
        core_banking.AccountUpdated(
            customer_id=customer, account_id=f"A-{customer}", product="credit_card", currency="CNY",
            creditor="BANK", collector_role="first_party",
        ),
        core_banking.PaymentMissed(
            customer_id=customer, account_id=f"A-{customer}", instalment_id="I1", currency="CNY",
            due_on=(START - timedelta(days=5)).date(), amount_minor=1000,
        ),
    ]  # fmt: skip
    events = [fact(each, told_at, event_id=f"{customer}-{n}") for n, each in enumerate(facts)]
    for n in range(5):
        then = MORNING + timedelta(minutes=10 * n + number)
        asked = contacts.PermitAsked(
            customer_id=customer, by="u-7", reason="to call", permit_id=f"{customer}-{n}", channel="call",
            point_id=f"p-{customer}", tags=("institution_identity",), conduct={"recording": True},
        )  # fmt: skip
        rang = contacts.ContactReported(
            customer_id=customer, by="u-7", reason="rang", permit_id=f"{customer}-{n}", result="no_answer"
        )  # fmt: skip
        later = then + timedelta(seconds=30)
        events += [fact(asked, then, event_id=f"{customer}-a{n}")]
        events += [fact(rang, later, event_id=f"{customer}-r{n}")]
    return events


@pytest.mark.parametrize(
    ("most", "ages", "calls"),
    [
        (2, {"C-1": 3, "C-2": 9, "C-3": 1}, {"C-2": 1}),
        (2, {"C-1": 3, "C-2": 3}, {"C-1": 1, "C-2": 1}),
        (5, {"C-1": 3, "C-2": 1}, {"C-1": 2, "C-2": 2}),
        (5, {"C-1": 3}, {"C-1": 5}),
    ],
    ids=["only the oldest", "one each", "what does not divide is left", "alone"],
)
def test_the_files_of_a_number_never_use_more_than_its_cap(tmp_path, most, ages, calls):
    """*ages*: for how many days the number stands in each file."""
    place = tmp_path / "events.jsonl"
    events = [
        event
        for number, (customer, age) in enumerate(sorted(ages.items()))
        for event in file_of(customer, number, START - timedelta(days=age))
    ]
    place.write_bytes(b"".join(write_line(event) for event in events))
    replayed = replay(
        read(place), reactors=all_reactors(capped(most)), standing=standing(), per_customer=True
    )
    granted: dict[str, int] = {}
    for entry in replayed.published:
        if isinstance(entry.event.data, PermitGranted):
            granted[entry.event.subject] = granted.get(entry.event.subject, 0) + 1
    assert granted == calls
    assert sum(calls.values()) <= most
