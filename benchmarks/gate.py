"""What a decision of the contact gate costs: 50 logged contacts and three packs, on a known state and from cold.

Times depend on the machine and its other work; so each round also times a fixed piece of plain Python (the calibration),
and the ratio to it is printed beside the microseconds.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from statistics import median
from time import process_time

from msgspec.structs import replace

from benchmarks.tables import table
from shared.compliance.entries import Entry
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.loading import load_packs
from shared.compliance.pack import Pack
from shared.compliance.proposal import Proposal
from shared.compliance.verdict import Verdict

PACKS = Path(__file__).parents[1] / "deploy" / "packs"
CHOSEN = {
    "CN": ("cn-bank-consumer", "firm-standard", "firm-xinjiang"),
    "US": ("us-regf", "us-tcpa", "firm-standard"),
}
LOGGED = 50
GOAL_KNOWN, GOAL_COLD = 50.0, 250.0
ROUNDS, REPEATS = 15, 400
GROWN = 20
DAY = timedelta(days=1)
NOW = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
RESULTS = ("no_answer", "delivered", "answered", "busy", "delivered")


def proposal(country: str) -> Proposal:
    """Answer a call (CN) or call by an agency (US) that all rules look at and, in the morning, allow."""
    base = Proposal(
        at=NOW, channel="call", voice="human", purpose="collect", party="debtor", person="P1", debts=("A",),
        point="N1", creditor="BANK", collector="BANK", role="first_party", product="credit_card",
        zones=("Asia/Shanghai",), tags=frozenset({"institution_identity", "ai_disclosure"}),
        conduct={"recording": True}, debtor_country="CN", debtor_state="none", debtor_city="none", region="XJ",
    )  # fmt: skip
    if country == "CN":
        return base
    return replace(
        base, at=NOW + timedelta(hours=14), collector="AGY", role="third_party", zones=("America/New_York",),
        tags=frozenset({"debt_collector_disclosure"}), debtor_country="US", debtor_state="NY",
    )  # fmt: skip


def logged(p: Proposal, number: int) -> Entry:
    """Answer the contact No. *number*, so many days and some hours before the proposal."""
    channel = "call" if number % 2 else "sms"
    return Entry(
        id=f"c{number}", src="permit", type="contact", at=p.at - timedelta(days=number + 1, hours=number % 7),
        channel=channel, direction="out", result=RESULTS[number % len(RESULTS)], party="debtor", person="P1",
        debts=("A",), point=f"N{number % 3}", purpose="collect", creditor="BANK", collector=p.collector,
    )  # fmt: skip


def chosen(country: str) -> tuple[Pack, ...]:
    """Answer the three packs, as they are shipped."""
    there = {pack.pack: pack for pack in load_packs(PACKS)}
    return tuple(there[name] for name in CHOSEN[country])


def calibration() -> int:
    """Do a fixed piece of plain Python: small dicts, text and comparisons, as deciders do."""
    seen: dict[str, int] = {}
    for number in range(100):
        key = f"k{number % 17}"
        seen[key] = max(seen.get(key, 0), number * number % 97)
    return sum(seen.values())


def micros(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Answer the CPU microseconds of one call of *work*."""
    began = process_time()
    for _ in range(repeats):
        work()
    return 1e6 * (process_time() - began) / repeats


def run() -> None:
    """Measure and print."""
    rows = [row for country in CHOSEN for row in _rows(country)]
    print(f"## gate: {LOGGED} logged contacts, 3 packs, medians of {ROUNDS} rounds\n")
    print(
        table(("packs", "decision", "CPU us", "of the calibration", "goal us", "outcome"), rows)
        + "\n"
    )


def _rows(country: str) -> Sequence[Sequence[object]]:
    gate, p = Gate(chosen(country)), proposal(country)
    entries = [logged(p, number) for number in range(LOGGED)]
    known = Known(entries)
    growing: list[Known] = []
    told = cycle(range(GROWN))
    moments = cycle([replace(p, at=p.at + timedelta(seconds=n)) for n in range(60)])
    night = cycle([replace(p, at=p.at + timedelta(hours=13, seconds=n)) for n in range(60)])

    def one_fact_more() -> Verdict:
        """Tell one fact more, and decide; after twenty of them begin anew with 50."""
        number = next(told)
        if number == 0:
            growing[:] = [Known(entries)]
        growing[0].add(replace(entries[0], id=f"new{number}", at=p.at - (number + 1) * DAY))
        return gate.verdict(next(moments), growing[0])

    measured: dict[str, tuple[float, Callable[[], Verdict]]] = {
        "next, on known state": (GOAL_KNOWN, lambda: gate.verdict(next(moments), known)),
        "one fact more, then next": (0, one_fact_more),
        "next, refused at night": (0, lambda: gate.verdict(next(night), known)),
        "from cold": (GOAL_COLD, lambda: gate.verdict(next(moments), Known(entries))),
    }
    found = []
    for name, (goal, work) in measured.items():
        outcome = work().outcome
        pairs = [(micros(work), micros(calibration)) for _ in range(ROUNDS)]
        cost = median(own for own, _ in pairs)
        ratio = median(own / fixed for own, fixed in pairs)
        verdict = f"{goal:.0f}: {'met' if cost <= goal else 'MISSED'}" if goal else ""
        found.append([country, name, cost, ratio, verdict, outcome])
    return found
