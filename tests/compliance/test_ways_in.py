"""Every type of the gate's log has a way in: a fact on the bus that the scheduler reacts to, and a route that is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.scheduler.service import SCHEDULER
from shared.compliance.entries import READ
from shared.compliance.loading import load_packs
from shared.compliance.pack import Pack
from shared.compliance.rules import DeclaredWindow, Fresh, Hold, OptOut, Precondition
from shared.events.registry import EVENT_TYPES, SAID
from shared.http import create_app
from shared.http.access import declared
from shared.permits.page import page
from shared.permits.ways_in import EVENTS, LOG_TYPES, WAYS
from shared.services import parts
from tests.http.conftest import settings

ROOT = Path(__file__).parents[2]
PACKS = load_packs(ROOT / "deploy" / "packs")
PROPOSED = frozenset({"limitation.stated"})
"""What no rule looks up: it goes into the proposals, whose limitation rules ask (shared/permits/running.py)."""


def named(pack: Pack) -> Iterator[str]:
    """The types of the log that the pack names."""
    for rule in pack.rules:
        match rule:
            case Hold(starts=starts, ends=ends):
                yield starts
                if ends != "never":
                    yield ends
            case Fresh(any_event=events):
                yield from events
            case Precondition(needs=needs):
                yield needs
            case OptOut():
                yield from ("optout", "optin")
            case DeclaredWindow():
                yield "inconvenient.declared"


def missing(packs: tuple[Pack, ...]) -> set[str]:
    return {name for pack in packs for name in named(pack)} - LOG_TYPES


def test_every_type_that_a_pack_names_has_a_way_in():
    assert not missing(PACKS), "add a fact and a row to shared/permits/ways_in.py"


def test_every_type_that_the_engine_reads_has_a_way_in():
    assert READ <= LOG_TYPES


def test_a_type_without_a_way_in_is_found():
    rule = Hold(
        id="X", strength="firm", evidence="memory", starts="new.type", ends="never", scope="person"
    )
    planted = Pack(pack="planted", version="1", rules=(rule,))
    assert missing((planted,)) == {"new.type"}


def test_every_row_is_needed():
    assert {name for pack in PACKS for name in named(pack)} | READ | PROPOSED >= LOG_TYPES


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.log} from {way.event}")
def test_the_scheduler_hears_of_it_where_the_row_says(way):
    assert way.event in SCHEDULER.reacts_to | SCHEDULER.publishes
    assert EVENT_TYPES[way.event].topics == ({way.topic} if way.topic else frozenset())


def test_every_declared_fact_is_a_way_in_or_changes_the_case_only():
    case_only = {
        "hold.placed", "note.taken", "closure.decided", "promise.taken", "payment.claimed", "complaint.raised",
        "hardship.declared", "visit.outcome_recorded", "court.outcome_recorded", "permit.asked", "agency.engaged",
        "agency.dismissed", "agency.reported", "message.written",
    }  # fmt: skip
    assert set(SAID) - EVENTS == case_only


def test_every_route_is_there():
    routes = {
        f"{method} {path}"
        for service in ("scheduler", "notifier", "legal")
        for method, path in declared(
            create_app(
                parts(service),
                settings("postgresql+asyncpg://nobody@127.0.0.1:9/none", kafka="127.0.0.1:9"),
            )
        )
    }
    assert {way.route for way in WAYS if way.route.startswith("POST")} <= routes


def test_the_page_is_made_of_the_table():
    assert (ROOT / "docs" / "reference" / "ways-in.md").read_text(encoding="utf-8") == page(), (
        "run python -m shared.permits.page > docs/reference/ways-in.md"
    )
