"""Kafka with TLS and passwords: the right settings run a whole service, wrong ones are refused by their name."""

import asyncio
import re
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from pydantic import ValidationError

from services.scheduler.main import PARTS
from shared.http import create_app
from shared.messaging.broker import Broker, BrokerRefused
from shared.messaging.kafka import Offsets, close_client, new_admin, open_client, reader
from shared.messaging.publisher import Publisher
from shared.production import CHECKS
from shared.settings import Settings
from tests.database.support import PARTITIONS
from tests.elsewhere.secured import USER, SecuredBroker
from tests.faults.load import Bank
from tests.http.conftest import settings

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def fields(secured: SecuredBroker) -> dict[str, Any]:
    """The right settings, by field."""
    return {
        name.removeprefix("ARREARS_").lower(): value
        for name, value in secured.environment().items()
    }


def broker(fields: dict[str, Any], **changes: Any) -> Broker:
    return Settings(**{**fields, **changes}).broker()


async def ask(reach: Broker) -> int:
    """How many brokers there are; raises what opening a client does."""
    admin = new_admin(reach)
    await open_client(admin)
    try:
        return len((await admin.describe_cluster())["brokers"])
    finally:
        await close_client(admin)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
async def test_each_mechanism_comes_in(fields: dict[str, Any], mechanism: str):
    assert await ask(broker(fields, kafka_sasl_mechanism=mechanism)) == 1


async def test_a_certificate_comes_in_where_the_broker_asks_for_one(secured: SecuredBroker):
    reach = Broker(
        secured.certificate_listener,
        security="SSL",
        ca=str(secured.authority.ca),
        cert=str(secured.client.cert),
        key=str(secured.client.key),
    )
    assert await ask(reach) == 1


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
async def test_a_wrong_password_is_refused_and_the_setting_named(
    fields: dict[str, Any], mechanism: str
):
    wrong = broker(
        fields, kafka_sasl_mechanism=mechanism, kafka_sasl_password="not the one we agreed on"
    )
    with pytest.raises(BrokerRefused, match="ARREARS_KAFKA_SASL_PASSWORD") as refused:
        await ask(wrong)
    assert "agreed" not in str(refused.value)


async def test_an_unknown_user_is_refused(fields: dict[str, Any]):
    with pytest.raises(BrokerRefused, match="ARREARS_KAFKA_SASL_USERNAME"):
        await ask(broker(fields, kafka_sasl_username="somebody"))


async def test_a_broker_signed_by_another_authority_is_refused(
    secured: SecuredBroker, fields: dict[str, Any]
):
    with pytest.raises(BrokerRefused, match="ARREARS_KAFKA_CA"):
        await ask(broker(fields, kafka_ca=str(secured.stranger.ca)))


async def test_a_broker_of_another_name_is_refused(fields: dict[str, Any]):
    port = fields["kafka"].rpartition(":")[2]
    # another spelling of 127.0.0.1, which the certificate does not bear
    with pytest.raises(BrokerRefused, match="another name than ARREARS_KAFKA"):
        await ask(broker(fields, kafka=f"127.1:{port}"))


@pytest.mark.parametrize("listener", ["certificate_listener", "password_listener"])
async def test_without_the_identity_that_is_asked_for_nobody_comes_in(
    secured: SecuredBroker, listener: str
):
    """TLS alone: neither without a certificate nor without a password."""
    reach = Broker(getattr(secured, listener), security="SSL", ca=str(secured.authority.ca))
    offsets = Offsets(reach, client_id="nobody")
    with pytest.raises(Exception, match=r"ARREARS_KAFKA_CERT|bootstrap"):
        await offsets.ends("core-banking", [0])
    await offsets.close()


async def test_a_service_decides_and_publishes_over_the_secured_listener(
    fields: dict[str, Any], database: str
):
    """Consumer, admin, offsets and relay of the scheduler, a publisher and a reader: all with TLS and password."""
    app = create_app(PARTS, settings(database, **fields))
    bank = Bank("TLS", "Etc/GMT+0")
    async with app.router.lifespan_context(app):
        now = app.state.runtime.clock.now()
        told = [event for n in range(20) for event in (bank.account(n), bank.missed(n))]
        async with Publisher(broker(fields)) as publisher:
            await publisher.publish([msgspec.structs.replace(event, time=now) for event in told])
        client = reader(broker(fields))
        await open_client(client)
        client.assign([TopicPartition("scheduler", p) for p in range(PARTITIONS)])
        opened: set[bytes] = set()
        try:
            async with asyncio.timeout(60):
                while len(opened) < 20:
                    for batch in (await client.getmany(timeout_ms=500)).values():
                        opened |= {r.key for r in batch if ("ce_type", b"case.opened") in r.headers}
        finally:
            await close_client(client)


async def test_a_service_with_a_wrong_password_ends_at_once_and_says_why(
    fields: dict[str, Any], database: str
):
    app = create_app(PARTS, settings(database, **{**fields, "kafka_sasl_password": "wrong"}))
    async with asyncio.timeout(30):
        with pytest.raises(BrokerRefused, match="ARREARS_KAFKA_SASL_PASSWORD"):
            async with app.router.lifespan_context(app):
                pass


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kafka_security": "PLAINTEXT"}, "ARREARS_KAFKA_SASL_USERNAME"),
        ({"kafka_security": "PLAINTEXT", "kafka_sasl_username": ""}, "ARREARS_KAFKA_CA"),
        ({"kafka_security": "TLS"}, "kafka_security"),
        ({"kafka_sasl_password": ""}, "ARREARS_KAFKA_SASL_PASSWORD"),
        ({"kafka_ca": "/nowhere/ca.pem"}, "ARREARS_KAFKA_CA"),
        ({"kafka_cert": "/nowhere/cert.pem"}, "ARREARS_KAFKA_KEY"),
    ],
)
def test_settings_that_contradict_each_other_are_named(
    fields: dict[str, Any], changes: dict[str, str], named: str
):
    with pytest.raises(ValidationError, match=re.escape(named)):
        Settings(**{**fields, **changes})


def test_the_password_shows_nowhere(fields: dict[str, Any]):
    found = Settings(**fields)
    assert fields["kafka_sasl_password"] not in repr(found) + repr(found.broker())
    assert found.broker().options()["sasl_plain_username"] == USER


@pytest.mark.parametrize("name", ["plaintext-kafka", "plaintext-database"])
def test_production_refuses_plain_text_unless_it_is_allowed_by_name(
    fields: dict[str, Any], name: str
):
    plain = {"kafka": "kafka.bank.example:9092", "mode": "production", "contact": "observe"}
    tls = {**fields, "database_tls": "require", "mode": "production", "contact": "observe"}
    url = {"database_url": "postgresql+asyncpg://a@db.bank.example/c"}
    others = {check.name for check in CHECKS} - {"plaintext-kafka", "plaintext-database"}
    with pytest.raises(ValidationError, match=f"ARREARS_ALLOW={name}"):
        Settings(**plain, **url, allow=",".join(others))
    assert Settings(**{**tls, **url}, allow=",".join(others)).database_is_encrypted()
    assert Settings(**plain, **url, allow=",".join(check.name for check in CHECKS))
