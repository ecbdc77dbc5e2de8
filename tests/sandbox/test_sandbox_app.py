"""The sandbox as a provider: one hand-over per effect, the same answer ever after, webhooks until taken."""

import asyncio

import msgspec
import pytest

from shared.events.notifier import ProviderReceipt
from shared.sandbox.desk import SeedChanged
from shared.sandbox.log import LogDamaged, read
from shared.sandbox.outcomes import fact_id
from tests.sandbox.sandbox_running import NOON, Service, sandbox, with_story

DELIVERED = with_story("contact.sms", "sent", "delivered")
FAILED = with_story("contact.sms", "failed")
TWICE = with_story("contact.sms", "sent", "delivered", "delivered")


async def test_a_hand_over_is_answered_with_its_outcome(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        answer = await running.hand_over(DELIVERED)
        assert (answer.status_code, answer.json()) == (
            200,
            {"effect_id": DELIVERED, "outcome": "sent", "reason": "", "left_at": NOON},
        )
        failed = (await running.hand_over(FAILED)).json()
        assert (failed["outcome"], failed["reason"]) == ("failed", "provider")


async def test_the_same_key_is_answered_the_same_and_leaves_once(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        first = await running.hand_over(DELIVERED)
        await running.set_clock("2026-03-03T04:00:00Z")
        again = await running.hand_over(DELIVERED)
        assert again.json() == first.json()
        assert [line["first"] for line in running.lines("request")] == [True, False]


async def test_many_hand_overs_of_one_effect_at_once_leave_once(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        answers = await asyncio.gather(*(running.hand_over(DELIVERED) for _ in range(20)))
        assert len({answer.text for answer in answers}) == 1
        assert sum(line["first"] for line in running.lines("request")) == 1
        assert len(running.lines("request")) == 20


async def test_the_status_is_asked_by_the_effect(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        assert (await running.http.get(f"/effects/{DELIVERED}")).status_code == 404
        answer = await running.hand_over(DELIVERED)
        assert (await running.http.get(f"/effects/{DELIVERED}")).json() == answer.json()


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"kind": "contact.fax"}, "contact.fax"),
        ({"service": "nobody"}, "nobody"),
        ({"claimed_at": "2026-03-02T04:00:00"}, "claimed_at"),
    ],
)
async def test_a_hand_over_that_cannot_be_served_is_refused_with_its_reason(tmp_path, wrong, word):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        answer = await running.hand_over(DELIVERED, **wrong)
        assert answer.status_code == 422
        assert word in answer.text
        assert running.lines("request") == []


async def test_the_idempotency_key_is_the_effect(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        assert (await running.hand_over(DELIVERED, key="another")).status_code == 422
        assert running.lines("request") == []


async def test_the_log_says_when_and_hides_values_and_texts(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED, claimed_at="2026-03-02T03:59:59Z")
        (line,) = running.lines("request")
        assert line["received_at"] == NOON
        assert line["claimed_at"] == "2026-03-02T03:59:59Z"
        assert line["machine_at"] > NOON
        assert (line["kind"], line["customer_id"], line["service"]) == (
            "contact.sms",
            "C1",
            "notifier",
        )
        assert "13800000000" not in running.log.read_text()
        assert "hello" not in running.log.read_text()


async def test_before_its_clock_is_set_a_stepped_sandbox_takes_nothing(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        assert (await running.hand_over(DELIVERED)).status_code == 409


async def test_the_clock_does_not_go_back(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        past = {"now": "2026-03-02T03:00:00Z"}
        assert (await running.http.post("/_step/clock", json=past)).status_code == 409


async def test_webhooks_wait_for_their_instant_and_for_the_driver(tmp_path):
    service = Service()
    async with sandbox(tmp_path, service) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
        assert await running.next_due() == "2026-03-02T10:00:00Z"
        assert await running.deliver() == 0
        await running.set_clock("2026-03-02T10:00:00Z")
        assert service.took == []
        assert await running.deliver() == 1
        assert await running.next_due() is None
        (body,) = service.took
        assert body["type"] == "provider.receipt"
        assert body["id"] == fact_id(DELIVERED, "delivered")
        assert body["time"] == "2026-03-02T10:00:00Z"
        receipt = msgspec.convert(body["data"], ProviderReceipt)
        assert (receipt.effect_id, receipt.outcome) == (DELIVERED, "delivered")


async def test_what_is_told_twice_is_the_same_fact(tmp_path):
    service = Service()
    async with sandbox(tmp_path, service) as running:
        await running.set_clock(NOON)
        await running.hand_over(TWICE)
        await running.set_clock("2026-04-02T10:00:00Z")
        assert await running.deliver() == 2
        first, second = service.took
        assert (first["id"], first["data"]) == (second["id"], second["data"])


async def test_a_webhook_that_is_refused_is_tried_again(tmp_path):
    service = Service(refuse=2)
    async with sandbox(tmp_path, service) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
        await running.set_clock("2026-03-02T10:00:00Z")
        assert await running.deliver() == 1
        assert (service.asked, service.told()) == (3, ["delivered"])


async def test_a_webhook_that_nobody_takes_stays_and_the_driver_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("shared.sandbox.callbacks.FIRST_PAUSE", 0.001)
    service = Service(refuse=100)
    async with sandbox(tmp_path, service) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
        await running.set_clock("2026-03-02T10:00:00Z")
        assert (await running.http.post("/_step/deliver")).status_code == 502
        service.refuse = 0
        assert await running.deliver() == 1


async def test_after_a_restart_it_answers_the_same_and_tells_only_what_was_not_taken(tmp_path):
    service = Service()
    other = with_story("contact.call", "sent", "answered")
    async with sandbox(tmp_path, service) as running:
        await running.set_clock(NOON)
        before = await running.hand_over(TWICE)
        await running.hand_over(other, kind="contact.call")
        await running.set_clock("2026-03-02T10:00:00Z")
        told = await running.deliver()
    async with sandbox(tmp_path, service) as running:
        assert (await running.http.get(f"/effects/{TWICE}")).json() == before.json()
        await running.set_clock("2026-04-02T10:00:00Z")
        assert told + await running.deliver() == 3
        assert sorted(service.told()) == ["answered", "delivered", "delivered"]
        await running.hand_over(TWICE)
        assert [line["first"] for line in running.lines("request")] == [True, True, False]


async def test_a_log_of_another_seed_is_not_continued(tmp_path):
    async with sandbox(tmp_path, Service()):
        pass
    with pytest.raises(SeedChanged):
        async with sandbox(tmp_path, Service(), seed=2):
            pass


async def test_a_log_with_outcomes_for_an_unknown_service_is_not_continued(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
    with pytest.raises(ValueError, match="notifier"):
        async with sandbox(tmp_path, Service(), callback_base={"visits": "http://visits.test"}):
            pass


async def test_half_a_line_of_a_crash_is_cut_off(tmp_path):
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
    with running.log.open("ab") as file:
        file.write(b'{"entry":"request","eff')
    async with sandbox(tmp_path, Service()) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
        assert [line["first"] for line in running.lines("request")] == [True, False]


def test_a_log_into_which_somebody_wrote_is_no_judge(tmp_path):
    path = tmp_path / "log.jsonl"
    assert list(read(path)) == []
    path.write_text('{"entry":"opened","seed":1}\nnonsense\n{"half')
    with pytest.raises(LogDamaged, match="line 2"):
        list(read(path))
