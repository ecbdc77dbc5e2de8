"""What would arrive after its validity does not arrive: the carrier drops it, says so, and the log shows it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import derive
from shared.sandbox.outcomes import KINDS, arrives_at, facts, outcomes
from tests.sandbox.sandbox_running import BASES, NOON, Service, sandbox, with_story

NOON_AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
DELIVERED = with_story("contact.sms", "sent", "delivered")
effect_ids = st.integers(0, 10**6).map(lambda n: derive("effect", n))
messages = st.sampled_from(["contact.sms", "contact.email", "contact.wechat", "contact.call"])
spans = st.integers(1, 120).map(lambda minutes: timedelta(minutes=minutes))


def reached(told):
    return [o for o in told if o.fields["outcome"] in {"delivered", "answered"}]


@given(effect_ids, messages, spans)
def test_a_message_arrives_within_its_validity_or_never(effect_id, kind, valid_for):
    free, bound = outcomes(1, effect_id, kind), outcomes(1, effect_id, kind, valid_for)
    arrival = arrives_at(1, effect_id, kind, NOON_AT)
    assert bound[0] == free[0], "it is handed over all the same"
    if arrival is None or arrival < NOON_AT + valid_for:
        assert bound == free
    else:
        assert not reached(bound)


@given(effect_ids, messages)
def test_a_validity_that_is_long_enough_changes_nothing(effect_id, kind):
    assert outcomes(1, effect_id, kind, timedelta(days=60)) == outcomes(1, effect_id, kind)


@given(effect_ids, messages)
def test_what_is_handed_over_after_its_validity_fails_at_once(effect_id, kind):
    (only,) = outcomes(1, effect_id, kind, timedelta())
    assert dict(only.fields) == {"outcome": "failed", "reason": "expired"}


def test_a_dropped_message_is_told_as_expired_when_its_validity_ends():
    (sent_at, _), (at, fact) = facts(
        1, "C1", DELIVERED, "contact.sms", NOON_AT, NOON_AT + timedelta(seconds=30),
        lambda left_at, delay: left_at + delay,
    )  # fmt: skip
    assert (sent_at, at) == (NOON_AT, NOON_AT + timedelta(seconds=30))
    assert (fact.outcome, fact.reason) == ("failed", "expired")


def test_every_kind_has_a_fate_under_any_validity():
    for kind in KINDS:
        assert facts(1, "C1", "E1", kind, NOON_AT, NOON_AT + HOUR)


async def test_the_log_has_permit_and_validity_and_what_was_dropped(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED, permit_id="P-1", validity_until="2026-03-02T04:00:30Z")
        (line,) = running.lines("request")
        assert (line["permit_id"], line["validity_until"]) == ("P-1", "2026-03-02T04:00:30Z")
        (dropped,) = running.lines("dropped")
        assert (dropped["effect_id"], dropped["permit_id"]) == (DELIVERED, "P-1")
        assert dropped["would_arrive_at"] >= dropped["validity_until"]


async def test_what_is_delivered_in_time_is_not_dropped(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED, validity_until="2026-03-02T06:00:00Z")
        assert running.lines("dropped") == []


async def test_after_a_restart_a_dropped_message_is_still_dropped(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED, validity_until="2026-03-02T04:00:30Z")
    service = Service()
    async with sandbox(tmp_path, service, callback_base=BASES) as running:
        await running.set_clock("2026-03-03T04:00:00Z")
        await running.deliver()
        assert service.told() == ["failed"]
        assert len(running.lines("dropped")) == 1
