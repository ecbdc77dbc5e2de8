"""What an effect needs to leave: one sentence each."""

from datetime import timedelta

import pytest

from shared.events.permits import Permit
from shared.permits.permitted import (
    EXPIRED,
    MISMATCH,
    NO_PERMIT,
    PACKS_CHANGED,
    carried,
    channel_of,
    is_early,
    permit_of,
    refusal,
    valid_until,
)
from shared.sandbox.outcomes import KINDS
from shared.testing import START, days

PERMIT = Permit(
    permit_id="PERMIT-1",
    channel="sms",
    point_id="P0",
    not_before=START,
    not_after=START + timedelta(hours=2),
    packs=("cn@1:abc", "firm@1:def"),
)
LOADED = {"cn@1:abc", "firm@1:def", "us@1:fff"}
REQUEST = {"point_id": "P0", **carried(PERMIT)}
MOMENT = timedelta(microseconds=1)


def why(kind="contact.sms", request=REQUEST, now=START, packs=LOADED):
    return refusal(kind, request, now, packs)


def test_a_live_permit_for_this_channel_and_point_lets_it_leave():
    assert why() == ""
    assert permit_of(REQUEST) == PERMIT


def test_nothing_leaves_without_a_permit_and_one_that_cannot_be_read_is_none():
    assert why(request={"point_id": "P0", "permit": {"permit_id": "x"}}) == NO_PERMIT
    assert why(request={"point_id": "P0", "permit": None}) == NO_PERMIT
    assert why(request={"point_id": "P0"}) == NO_PERMIT


def test_a_permit_for_another_channel_or_point_is_none_for_this():
    assert why("contact.call") == MISMATCH
    assert why(request={**REQUEST, "point_id": "P1"}) == MISMATCH
    assert why(request=carried(PERMIT)) == MISMATCH


def test_a_permit_ends_with_the_instant_of_its_end():
    assert why(now=PERMIT.not_after - MOMENT) == ""
    assert why(now=PERMIT.not_after) == EXPIRED


def test_before_its_time_it_waits_and_is_not_refused():
    early = START - MOMENT
    assert is_early(REQUEST, early)
    assert not is_early(REQUEST, START)
    assert why(now=early) == ""


def test_a_permit_rests_on_the_packs_that_are_loaded():
    assert why(packs={"cn@1:abc"}) == PACKS_CHANGED
    assert why(packs=()) == PACKS_CHANGED
    assert why(packs=None) == ""


@pytest.mark.parametrize("kind", ["court.filing", "court.enforcement"])
def test_what_goes_to_a_court_needs_none(kind):
    assert why(kind, {}) == ""
    assert channel_of(kind) == ""


@pytest.mark.parametrize("kind", ["contact", "visit", "letter", "agency.order", "fax", ""])
def test_a_kind_that_nobody_knows_never_leaves(kind):
    assert why(kind, {}) == NO_PERMIT
    assert why(kind) == MISMATCH


def test_every_other_kind_reaches_a_person_by_a_channel():
    channels = {kind: channel_of(kind) for kind in KINDS if not kind.startswith("court.")}
    assert channels == {
        "contact.sms": "sms",
        "contact.email": "email",
        "contact.wechat": "wechat",
        "contact.call": "call",
        "contact.letter": "letter",
        "visit.order": "visit",
        "legal.letter": "letter",
    }


def test_a_message_is_valid_until_its_permit_ends_or_the_carriers_limit():
    def until(kind, end, now=START):
        return valid_until(kind, REQUEST, end, now)

    assert until("contact.sms", START + days(9)) == PERMIT.not_after
    assert until("contact.sms", START + timedelta(hours=1)) == START + timedelta(hours=1)
    assert until("contact.letter", START + days(9)) is None
    assert valid_until("contact.call", {}, START + days(9), START) == START + timedelta(hours=4)
