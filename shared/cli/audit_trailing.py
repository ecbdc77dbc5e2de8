"""What `arrears audit-trail` does, on the database of ARREARS_DATABASE_URL."""

from datetime import date

import msgspec

from shared.audit.report import Finding, Report
from shared.audit.sealing import seal
from shared.audit.signing import known_keys
from shared.audit.trail import Entry, trail_of
from shared.audit.verifying import Given, verify
from shared.cli.output import fail
from shared.cli.serving import settings_or_fail
from shared.clock import SystemClock
from shared.db import direct_engine, engine_for
from shared.events.registry import SERVICES

PAGE = 500
SHOWN = 100
"""The longest data of an entry on a line for people; --json has all of it."""


async def seal_days(service: str, until: date | None) -> list[str]:
    """Seal, and answer a line for each new root. Raises NotOver."""
    settings = settings_or_fail()
    signer, now, lines = settings.signer(), SystemClock().now(), []
    for name in _named(service):
        engine = engine_for(settings.database_url, name, pool_size=1, name="audit-seal")
        try:
            lines += [
                f"{name} {root.day} {root.leaves} leaves root {root.root.hex()} signed by {root.key_id}"
                for root in await seal(engine, name, signer, now, until)
            ]
        finally:
            await engine.dispose()
    return lines


async def verify_all(service: str, customer: str) -> list[Report]:
    """Verify each service's trail, *customer* "" for everybody's."""
    settings = settings_or_fail()
    publics = known_keys(settings.signer().public, settings.audit_public_keys)
    engine = direct_engine(settings.database_url, "audit-verify")
    now = SystemClock().now()
    try:
        return [
            await verify(engine, Given(name, customer or None, publics, now))
            for name in _named(service)
        ]
    finally:
        await engine.dispose()


def written(finding: Finding, *, as_json: bool) -> str:
    """Write a finding down for people, or as JSON."""
    if as_json:
        return msgspec.json.encode(finding).decode()
    return f"{finding.service}.{finding.table} {finding.where}: {finding.what}"


async def trail_lines(service: str, customer: str, *, as_json: bool) -> list[str]:
    """Answer the customer's trail over the services, in order of time, a line each."""
    settings = settings_or_fail()
    entries: list[tuple[str, Entry]] = []
    for name in _named(service):
        engine = engine_for(settings.database_url, name, pool_size=1, name="audit-show")
        try:
            async with engine.connect() as connection:
                after = ""
                while page := await trail_of(connection, customer, after=after, limit=PAGE):
                    entries += [(name, entry) for entry in page]
                    after = page[-1].cursor
        finally:
            await engine.dispose()
    entries.sort(
        key=lambda pair: (pair[1].at, SERVICES.index(pair[0]), pair[1].kind == "act", pair[1].seq)
    )
    return [_line(name, entry, as_json=as_json) for name, entry in entries]


def _line(service: str, entry: Entry, *, as_json: bool) -> str:
    if as_json:
        return msgspec.json.encode({"service": service, **msgspec.to_builtins(entry)}).decode()
    hidden = {"customer_id", "by", "reason"}
    data = msgspec.json.encode({k: v for k, v in entry.data.items() if k not in hidden}).decode()
    if len(data) > SHOWN:
        data = data[: SHOWN - 3] + "..."
    why = f" because: {entry.why}" if entry.why else ""
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S} {service:9} {entry.kind:4} {entry.seq:>4} {entry.what:24} "
        f"by {entry.who}{why} {data}"
    )


def _named(service: str) -> tuple[str, ...]:
    if service and service not in SERVICES:
        fail(f"{service!r} is no service; there are {', '.join(SERVICES)}")
    return (service,) if service else SERVICES
