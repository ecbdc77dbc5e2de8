"""From a claimed contact to the provider's request: the real vault, the real texts."""

import msgspec
from sqlalchemy import text

from services.notifier.effects import prepare
from shared.border import PointValue
from shared.db import engine_for
from shared.events.scheduler import Choice
from shared.messaging.effects import ClaimedEffect
from shared.testing import START
from shared.vault import Deposit, Keys, VaultReader, VaultWriter
from shared.vault.sentences import seal_sentence
from tests.domain.notifier.told import contacting

KEYS = Keys(b"k" * 32)


def claimed(channel, template, point_id="P0", **written):
    choice = Choice(channel=channel, point_id=point_id, template=template, **written)
    (leaving,) = contacting((choice,)).effects
    stored = msgspec.json.decode(msgspec.json.encode(leaving.request))
    return ClaimedEffect(
        effect_id=leaving.effect_id,
        customer_id="C1",
        kind=leaving.kind,
        request=stored,
        not_before=leaving.not_before,
        not_after=leaving.not_after,
    )


async def test_a_contact_is_rendered_to_its_value_and_waits_where_there_is_none(database):
    engine = engine_for(database, "notifier")
    try:
        async with engine.begin() as tx:
            value = PointValue(point_id="P0", kind="mobile", value="+8613800138000")
            await VaultWriter(KEYS).store(tx, [Deposit("C1", START, "E1", (value,))])
        vault = VaultReader(KEYS, engine)

        sms = await prepare(claimed("sms", "sms.overdue"), vault)
        assert (sms.kind, sms.to) == ("contact.sms", "+8613800138000")
        assert set(sms.content) == {"text", "language", "template"}
        assert "CN¥1,234.50" in sms.content["text"]

        call = await prepare(claimed("call", "call.first"), vault)
        assert set(call.content) == {"script", "language", "template"}

        email = await prepare(claimed("email", "email.overdue"), vault)
        assert email.content["subject"] == "BANK-1: your account is overdue"
        assert email.content["text"].startswith("Dear customer,")

        letter = await prepare(claimed("letter", "letter.first"), vault)
        assert "March 16, 2026" in letter.content["text"]

        assert await prepare(claimed("sms", "sms.overdue", "P9"), vault) is None
    finally:
        await engine.dispose()


async def test_what_a_person_wrote_is_opened_at_sending_and_by_nobody_after_a_forgetting(database):
    engine = engine_for(database, "notifier")
    said = "We have received your documents."
    try:
        async with engine.begin() as tx:
            value = PointValue(point_id="P0", kind="mobile", value="+8613800138000")
            await VaultWriter(KEYS).store(tx, [Deposit("C1", START, "E1", (value,))])
            sealed = await seal_sentence(tx, KEYS, "C1", "M1", said)
            assert await seal_sentence(tx, KEYS, "C1", "M1", said) == sealed
            assert "documents" not in sealed
            gone = "INSERT INTO vault.keys (customer_id, forgotten_at) VALUES ('C9', now())"
            await tx.execute(text(gone))
            assert await seal_sentence(tx, KEYS, "C9", "M1", said) is None
        vault = VaultReader(KEYS, engine)
        for channel in ("sms", "email", "wechat"):
            effect = claimed(channel, f"note.{channel}", content=sealed, message_id="M1")
            assert said not in str(effect.request)
            request = await prepare(effect, vault)
            assert said in request.content["text"]
            assert "STOP" in request.content["text"]
            assert "BANK-1" in str(request.content)
        assert await vault.sentence("C9", "M1", sealed) is None
    finally:
        await engine.dispose()
