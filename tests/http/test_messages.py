"""A note to the customer over HTTP: the lexicon first, then sealed, and never in clear where it is kept."""

from sqlalchemy import text

from services.scheduler.main import PARTS as SCHEDULER
from shared.http.commands import REPLAYED
from shared.vault.customers import data_keys
from shared.vault.sentences import MARK, open_sentence
from tests.http.test_commands import CARD, known, post, running

__all__ = ["running"]
GOOD = "您的材料已收到，我们会尽快答复。"
BODY = {"channel": "sms", "point_id": "p1", "text": GOOD}


async def kept(client, customer):
    """All that the scheduler keeps of the customer, as text, and the message that waits."""
    runtime = client.app.state.runtime
    async with runtime.engine.begin() as tx:
        inbox = await tx.scalars(
            text("SELECT row_to_json(i)::text FROM inbox i WHERE customer_id = :c"), {"c": customer}
        )
        state = await tx.scalar(
            text("SELECT state::text FROM cases WHERE customer_id = :c"), {"c": customer}
        )
        waiting = await tx.scalar(
            text("SELECT state->'messages' FROM cases WHERE customer_id = :c"), {"c": customer}
        )
        acts = await tx.scalars(
            text("SELECT row_to_json(a)::text FROM acts a WHERE subject = :c"), {"c": customer}
        )
        keys = await data_keys(tx, runtime.settings.keys(), [customer])
        return "\n".join([*inbox, state]), waiting, "\n".join(acts), keys.get(customer)


async def test_a_note_is_taken_once_and_kept_sealed(running):
    async with running(SCHEDULER) as client:
        await known(client, "M1")
        told = await post(client, "/cases/M1/messages", BODY, "note-M1-0001")
        assert told.status_code == 202, told.text
        again = await post(client, "/cases/M1/messages", BODY, "note-M1-0001")
        assert (again.status_code, again.headers[REPLAYED]) == (202, "true")
        assert again.json() == told.json()
        other = await post(client, "/cases/M1/messages", {**BODY, "text": "谢谢。"}, "note-M1-0001")
        assert (other.status_code, other.json()["type"]) == (422, "urn:arrears:problem:conflict")
        everything, waiting, _, key = await kept(client, "M1")
        (message_id,) = waiting
        assert message_id == told.json()["about"]
        assert GOOD not in everything
        assert "材料" not in everything
        sealed = waiting[message_id]["content"]
        assert sealed.startswith(MARK)
        assert open_sentence(key, "M1", message_id, sealed) == GOOD


async def test_what_is_forbidden_or_unsure_is_refused_named_and_recorded_without_the_words(running):
    async with running(SCHEDULER) as client:
        await known(client, "M2")
        threat = {**BODY, "text": "您好。再不还钱就坐牢。"}
        told = await post(client, "/cases/M2/messages", threat, "note-M2-0001")
        assert told.status_code == 422
        said = [error["message"] for error in told.json()["errors"]]
        assert any(each.startswith("threat_arrest, characters 9 to 10: nobody") for each in said)
        assert "坐牢" not in told.text
        name = {**BODY, "text": "王小明，谢谢。"}
        unsure = await post(client, "/cases/M2/messages", name, "note-M2-0002")
        assert unsure.status_code == 422
        assert "words that the lexicon does not know: cannot be judged" in unsure.text
        assert "小明" not in unsure.text
        everything, waiting, acts, _ = await kept(client, "M2")
        assert not waiting
        assert acts.count("message refused") == len([threat, name])
        assert "threat_arrest" in acts
        assert not any(word in acts + everything for word in ("坐牢", "小明"))


async def test_a_number_a_strange_point_and_a_wrong_channel_are_refused(running):
    async with running(SCHEDULER) as client:
        await known(client, "M3")
        for number, (changes, field) in enumerate(
            [
                ({"text": f"卡号 {CARD}"}, "body.text"),
                ({"point_id": "p9"}, "body.point_id"),
                ({"channel": "email"}, "body.point_id"),
                ({"channel": "letter"}, "body.channel"),
                ({"text": "谢" * 301}, "body.text"),
                ({"purpose": "locate"}, "body.purpose"),
            ]
        ):
            told = await post(client, "/cases/M3/messages", BODY | changes, f"note-M3-000{number}")
            assert told.status_code == 422, changes
            assert field in {error["field"] for error in told.json()["errors"]}, told.text
        assert not (await kept(client, "M3"))[1]


async def test_a_customer_who_was_forgotten_is_not_written_to(running):
    async with running(SCHEDULER) as client:
        await known(client, "M4")
        async with client.app.state.runtime.engine.begin() as tx:
            await tx.execute(
                text("INSERT INTO vault.keys (customer_id, forgotten_at) VALUES ('M4', now())")
            )
        told = await post(client, "/cases/M4/messages", BODY, "note-M4-0001")
        assert told.status_code == 422
        assert "was forgotten" in told.text
