"""PostgreSQL with TLS (Debian's, the embedded one has none): verify-full works, everything else is refused by its name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from services.scheduler.main import PARTS
from shared.database_url import DatabaseRefused, complete
from shared.db import check_schema, engine_for, migrate
from shared.http import create_app
from shared.privacy.owner import owner_engine
from shared.settings import Settings
from tests.elsewhere.debian import DebianPostgres
from tests.http.conftest import client_of, settings

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
_IN_USE = text("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")

# as the owner: a service's role does not see what the server keeps of connections
_OF_THE_SERVICE = text("""
    SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'arrears-scheduler'
""")


@pytest.fixture(scope="module")
def server(servers_folder: Path) -> Iterator[DebianPostgres]:
    with DebianPostgres(servers_folder / "debian") as found:
        yield found


def fields(server: DebianPostgres, **changes: Any) -> dict[str, Any]:
    return {
        "database_url": server.url(),
        "database_password": server.password,
        "database_tls": "verify-full",
        "database_ca": str(server.authority.ca),
        **changes,
    }


async def ask(url: str) -> Any:
    """What the server says of a connection of the owner: before the migration there are no roles of services."""
    engine = owner_engine(url)
    try:
        async with engine.connect() as connection:
            return (await connection.execute(_IN_USE)).one()
    finally:
        await engine.dispose()


async def test_verify_full_encrypts_and_checks_the_name(server: DebianPostgres):
    found = await ask(Settings(**fields(server)).database_url)
    assert found.ssl
    assert found.version in {"TLSv1.2", "TLSv1.3"}


async def test_require_encrypts_without_an_authority(server: DebianPostgres):
    url = Settings(**fields(server, database_tls="require", database_ca="")).database_url
    assert (await ask(url)).ssl


@pytest.mark.parametrize("mode", ["verify-full", "require"])
async def test_a_database_signed_by_another_authority_is_refused(server: DebianPostgres, mode: str):
    wrong = fields(server, database_tls=mode, database_ca=str(server.stranger.ca))
    with pytest.raises(DatabaseRefused, match="ARREARS_DATABASE_CA"):
        await ask(Settings(**wrong).database_url)


async def test_a_database_of_another_name_is_refused(server: DebianPostgres):
    # another spelling of 127.0.0.1, which the certificate does not bear
    wrong = fields(server, database_url=server.url(host="127.1"))
    with pytest.raises(DatabaseRefused, match="another name than ARREARS_DATABASE_URL"):
        await ask(Settings(**wrong).database_url)


async def test_plain_text_is_refused_and_the_setting_named(server: DebianPostgres):
    plain = fields(server, database_tls="disable", database_ca="")
    with pytest.raises(DatabaseRefused, match="ARREARS_DATABASE_TLS"):
        await ask(Settings(**plain).database_url)


async def test_a_wrong_password_is_refused_and_the_setting_named(server: DebianPostgres):
    wrong = fields(server, database_password="not the one we agreed on")
    with pytest.raises(DatabaseRefused, match="ARREARS_DATABASE_PASSWORD") as refused:
        await ask(Settings(**wrong).database_url)
    assert "agreed" not in str(refused.value)


async def test_a_user_who_needs_a_certificate_comes_in_with_one_only(server: DebianPostgres):
    await server.execute("DROP ROLE IF EXISTS machine")
    await server.execute(f"CREATE ROLE machine SUPERUSER LOGIN PASSWORD '{server.password}'")
    url = server.url(user="machine")
    with pytest.raises(DatabaseRefused, match="ARREARS_DATABASE_TLS or _CERT"):
        await ask(Settings(**fields(server, database_url=url)).database_url)
    known = fields(
        server,
        database_url=url,
        database_cert=str(server.client.cert),
        database_key=str(server.client.key),
    )
    assert (await ask(Settings(**known).database_url)).ssl


async def test_the_embedded_database_offers_no_tls_and_says_so(database: str):
    with pytest.raises(DatabaseRefused, match="offers no TLS"):
        await ask(complete(database, tls="require"))


@pytest.mark.timeout(180)
async def test_migration_and_a_service_run_over_tls(server: DebianPostgres, kafka: str):
    await server.execute("CREATE DATABASE bank")
    given = fields(server, database_url=server.url("bank"))
    url = Settings(**given).database_url
    await migrate(url, ["scheduler"])
    engine = engine_for(url, "scheduler", pool_size=1)
    await check_schema(engine, "scheduler")
    await engine.dispose()
    app = create_app(PARTS, settings("", **{**given, "kafka": kafka}))
    async with app.router.lifespan_context(app), client_of(app) as client:
        assert (await client.get("/readyz")).status_code in {200, 503}
        engine = owner_engine(url)
        async with engine.connect() as connection:
            encrypted = list(await connection.scalars(_OF_THE_SERVICE))
        await engine.dispose()
        assert encrypted
        assert all(encrypted)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"database_tls": None}, "no sslmode=verify-full"),
        ({"database_tls": "disable"}, "ARREARS_DATABASE_TLS=verify-full"),
        ({"database_ca": "/nowhere/ca.pem"}, "ARREARS_DATABASE_CA"),
        ({"database_tls": "prefer"}, "database_tls"),
        ({"database_url": "not a url"}, "ARREARS_DATABASE_URL"),
        ({"database_url": "postgresql+asyncpg://a@b/c?sslmode=disable"}, "sslmode=disable"),
    ],
)
def test_settings_that_contradict_each_other_are_named(
    tmp_path: Path, changes: dict[str, Any], named: str
):
    given = {
        "database_url": "postgresql+asyncpg://a@b/c",
        "database_tls": "verify-full",
        "database_ca": "",
        **changes,
    }
    if changes.get("database_tls", "") in {None, "disable"}:
        given["database_ca"] = str(tmp_path / "ca.pem")
    with pytest.raises(ValidationError, match=re.escape(named)):
        Settings(**given)


def test_the_password_shows_nowhere():
    found = Settings(
        database_url="postgresql+asyncpg://a@b/c", database_password="s3cret-p@ss/word"
    )
    assert "s3cret" not in repr(found)
    assert "s3cret-p%40ss%2Fword" in found.database_url
