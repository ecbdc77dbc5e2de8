"""However the facts of several records and their mergers interleave, the survivor knows what one record would have known."""

from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.scheduler.domain import merging
from services.scheduler.domain.state import CollectionCase
from shared.canonical import digest
from shared.compliance.entries import Entry
from shared.events import contacts, notifier
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event
from shared.outgoing import published_event
from shared.permits.outcomes import permit_of
from shared.testing import START, fact, tick
from tests.domain.scheduler.cases import bankrupt, deceased, opted_out, promised, said, scheduler
from tests.domain.scheduler.commanded import in_hardship, inconvenient, let_go, placed
from tests.domain.scheduler.facts_drawn import MONEY, TIMES

SCHEDULER = scheduler()
CUSTOMERS = ("C0", "C1", "C2", "C3")
KNOWN = ("accounts", "promises", "halts", "spent", "bankrupt", "deceased")
END = START + timedelta(days=30)
WORDS = st.lists(
    st.one_of(
        st.builds(lambda n: promised(START, "2026-12-01", f"R{n}"), st.integers(0, 2)),
        st.builds(lambda n: placed(START, f"H{n}"), st.integers(0, 2)),
        st.builds(lambda at, n: let_go(at, f"H{n}"), TIMES, st.integers(0, 2)),
        st.builds(lambda n: in_hardship(START, f"H{3 + n}"), st.integers(0, 1)),
        st.builds(lambda at, ended: deceased(at, ended=ended), TIMES, st.booleans()),
        st.builds(lambda at, ended: bankrupt(at, ended=ended), TIMES, st.booleans()),
        st.builds(lambda c: opted_out(START, channel=c), st.sampled_from(["sms", "call"])),
        st.builds(lambda: inconvenient(START, ("12:00", "14:00"))),
    ),
    max_size=6,
)

LATELY = END - timedelta(days=2)
PERMITS = ("K0", "K1", "K2")
HELD = {
    f"permit {permit_id}": Entry(
        id=permit_id, src="permit", type="contact", at=LATELY, person="C1", channel="call",
        direction="out", result="pending", expires=END,
    )
    for permit_id in PERMITS
}  # fmt: skip
OUTCOMES = st.lists(
    st.builds(
        lambda number, at, result: said(
            contacts.ContactReported, at, by="u-7", reason="rang", result=result,
            permit_id=PERMITS[number],
        ),
        st.integers(0, 1), st.sampled_from([LATELY, END - timedelta(days=1)]), st.sampled_from(["no_answer", "answered", "effective"]),
    ),
    max_size=4,
)  # fmt: skip
GONE = said(
    notifier.ContactRefused, END, follow_up_id="F", effect_id="E", reason="permit_expired",
    permit_id=PERMITS[2],
)  # fmt: skip


@dataclass
class Bank:
    """The scheduler's cases, and what they say to each other, which may arrive late and more than once."""

    cases: dict[str, CollectionCase] = field(
        default_factory=lambda: {customer: CollectionCase() for customer in CUSTOMERS}
    )
    under_way: list[Event] = field(default_factory=list)

    def tell(self, customer: str, event: Event) -> None:
        told = replace(event, subject=customer)
        decision = SCHEDULER.decide(self.cases[customer], told, END, SCHEDULER.policy)
        self.cases[customer] = decision.state
        for word in decision.publish:
            if word.key:
                self.under_way.append(
                    published_event("scheduler", customer, word.about, word.data, END, word.key)
                )

    def look(self, customer: str) -> None:
        if merging.survivor_of(self.cases[customer], customer):
            self.tell(customer, tick(END, customer))

    def settle(self) -> None:
        """Until nobody has anything to say; a circle of messages would never end."""
        for _ in range(60):
            for customer in CUSTOMERS:
                self.look(customer)
            if not self.under_way:
                return
            while self.under_way:
                event = self.under_way.pop()
                self.tell(event.subject, event)
        raise AssertionError("they go on telling each other")


def merger(ended: str, survivor: str, number: int) -> Event:
    data = CustomerMerged(customer_id=survivor, from_customer_id=ended)
    return fact(data, START + timedelta(hours=number), event_id=f"merger {number}")


PAIRS = st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS))
MERGERS = st.lists(PAIRS.filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=6)
"""In any shape: chains, stars, circles, records that end in two others, the same said again."""


def persons(pairs: list[tuple[str, str]]) -> list[set[str]]:
    """Who is one person."""
    groups = [{customer} for customer in CUSTOMERS]
    for pair in pairs:
        joined = [group for group in groups if group & {*pair}]
        groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return groups


def alike(case: CollectionCase) -> str:
    log = {
        key: entry
        for key, entry in case.log.items()
        if entry.type != "person.merged" and (entry.expires is None or entry.at < entry.expires)
    }
    return digest([log, {name: getattr(case, name) for name in KNOWN}])


@settings(max_examples=150, deadline=None)
@given(MONEY, WORDS, OUTCOMES, st.booleans(), MERGERS, st.data())
def test_the_survivor_knows_what_one_record_would_have_known(
    money, words, outcomes, gone, pairs, data
):
    bank = Bank()
    owners = {permit_id: data.draw(st.sampled_from(CUSTOMERS)) for permit_id in PERMITS}
    for permit_id, owner in owners.items():
        key = f"permit {permit_id}"
        case = bank.cases[owner]
        bank.cases[owner] = replace(case, log={**case.log, key: HELD[key]})
    facts = [*money, *words, *outcomes, *([GONE] if gone else [])]
    mergers = [merger(*pair, number) for number, pair in enumerate(pairs)]
    whose = {
        id(event): owners.get(permit_of(event.data)) or data.draw(st.sampled_from(CUSTOMERS))
        for event in facts
    }
    for event in data.draw(st.permutations([*facts, *mergers])):
        if id(event) in whose:
            bank.tell(whose[id(event)], event)
        else:  # both cases, in one transaction
            bank.tell(event.subject, event)
            bank.tell(event.data.from_customer_id, event)
        if data.draw(st.booleans()):
            bank.look(data.draw(st.sampled_from(CUSTOMERS)))
        if bank.under_way and data.draw(st.booleans()):
            late = data.draw(st.sampled_from(bank.under_way))
            bank.tell(late.subject, late)  # and once more later on
    bank.settle()
    for person in persons(pairs):
        (survivor,) = [c for c in person if not merging.survivor_of(bank.cases[c], c)]
        held = [f"permit {permit_id}" for permit_id in PERMITS if owners[permit_id] in person]
        alone = CollectionCase(log={key: HELD[key] for key in held})
        for event in facts:
            if whose[id(event)] in person:
                alone = SCHEDULER.decide(alone, event, END, SCHEDULER.policy).state
        assert alike(bank.cases[survivor]) == alike(alone)
        assert merging.awaited(bank.cases[survivor], survivor) == ()
    before = dict(bank.cases)
    for event in data.draw(st.lists(st.sampled_from(facts), max_size=4)):
        bank.tell(whose[id(event)], event)
    bank.settle()
    assert {c: alike(case) for c, case in bank.cases.items()} == {
        c: alike(case) for c, case in before.items()
    }
