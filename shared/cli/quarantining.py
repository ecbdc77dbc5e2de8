"""What `arrears quarantine` does, on the database of ARREARS_DATABASE_URL."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.cli.output import fail
from shared.cli.quarantine_words import entry_line, group_line, outcome_lines, rehearsal_lines
from shared.cli.serving import settings_or_fail
from shared.clock import SystemClock
from shared.db import engine_for
from shared.events.identifiers import personal
from shared.events.registry import SERVICES
from shared.messaging import quarantine_views
from shared.messaging.parking import Released
from shared.messaging.quarantine_views import Chosen
from shared.messaging.rehearsal import Rehearsal
from shared.messaging.release_terms import By, NotNext, NotThere
from shared.messaging.releases import Releases
from shared.messaging.shell import Shell
from shared.services import configured, parts
from shared.vault import VaultWriter

NO_REASON = "no reason given"
EMPTY = "nothing in quarantine"
PAGE = 50


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be released: a customer, one entry, or what a group has in common."""

    service: str
    customer: str = ""
    entry: int | None = None
    reason: str | None = None
    type: str | None = None
    fingerprint: str | None = None

    @property
    def chosen(self) -> Chosen:
        """Answer the group."""
        return Chosen(self.reason, self.type, self.fingerprint)


async def grouped(service: str, status: str, *, as_json: bool) -> str:
    """Answer the groups of each service, a line each; *service* "" is all of them, *status* any too."""
    found = []
    chosen = Chosen(status=None if status == "any" else status)
    for name in _named(service):
        async with _engine(name) as engine, engine.connect() as connection:
            found += [(name, group) for group in await quarantine_views.groups(connection, chosen)]
    if as_json:
        return _json([{"service": name, **msgspec.to_builtins(group)} for name, group in found])
    return "\n".join(group_line(name, group) for name, group in found) or EMPTY


async def listing(service: str, chosen: Chosen, *, after: int, limit: int, as_json: bool) -> str:
    """Answer a line for each entry, the oldest first."""
    found = []
    for name in _named(service):
        async with _engine(name) as engine, engine.connect() as connection:
            entries = await quarantine_views.page(connection, chosen, after=after, limit=limit)
            found += [(name, entry) for entry in entries]
    if as_json:
        return _json([{"service": name, **msgspec.to_builtins(entry)} for name, entry in found])
    return "\n".join(entry_line(name, entry) for name, entry in found) or EMPTY


async def details(service: str, entry: int, by: str, reason: str) -> str | None:
    """Answer one entry as JSON, with the record itself, and record the view; None when there is none."""
    async with _releases(service) as releases:
        seen = await releases.view(entry, _by(by, reason))
    if seen is None:
        return None
    found, record = seen
    return _json(
        {**msgspec.to_builtins(found), "record": record and quarantine_views.readable(record)}
    )


async def rehearsed(target: Target, *, as_json: bool) -> tuple[str, bool]:
    """Say what a release would decide now; the second is whether all of it can be."""
    told: list[Rehearsal] = []
    async with _releases(target.service) as releases:
        if target.customer:
            told += _all(await releases.rehearse(target.customer), target)
        elif target.entry is not None:
            told += _all(await _or_fail(releases.rehearse_record(target.entry)), target)
        else:
            after = ""
            while places := await releases.members(target.chosen, after=after, limit=PAGE):
                for place in places:
                    found = (
                        await releases.rehearse(place[1:])
                        if place.startswith("=")
                        else await releases.rehearse_record(int(place[1:]))
                    )
                    told += [found] if found is not None else []
                after = places[-1]
    whole = not any(each.error for each in told)
    if as_json:
        return _json([msgspec.to_builtins(each) for each in told]), whole
    return "\n".join(line for each in told for line in rehearsal_lines(each)) or EMPTY, whole


async def let_go(
    target: Target, by: str, reason: str, *, discard: bool, as_json: bool
) -> tuple[str, bool]:
    """Release, customer by customer, past those that still fail; the second is whether none did."""
    done: list[Released] = []
    who = _by(by, reason)
    async with _releases(target.service) as releases:
        if target.customer:
            done += _all(await releases.customer(target.customer, who, discard=discard), target)
        elif target.entry is not None:
            done.append(await _or_fail(releases.record(target.entry, who)))
        else:
            done += await _group(releases, target, who)
    return _said(done, as_json=as_json)


async def _group(releases: Releases, target: Target, who: By) -> list[Released]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    done: list[Released] = []
    after = ""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("customers released", total=None)
        while True:
            part = await releases.group(target.chosen, who, after=after, limit=PAGE)
            done += part.released
            bar.update(task, completed=len(done))
            if not part.next:
                return done
            after = part.next


async def drop(
    service: str, entry: int, by: str, reason: str, *, as_json: bool
) -> tuple[str, bool]:
    """Discard one entry and say what came of the queue behind it."""
    async with _releases(service) as releases:
        released = await _or_fail(releases.discard(entry, _by(by, reason)))
    return _said([released], as_json=as_json)


def _said(done: list[Released], *, as_json: bool) -> tuple[str, bool]:
    whole = not any(each.left for each in done)
    if as_json:
        return _json([msgspec.to_builtins(each) for each in done]), whole
    return "\n".join(outcome_lines(done)) or EMPTY, whole


def _all(found: Any, target: Target) -> list[Any]:
    if found is None:
        fail(f"{target.service} has nothing parked for {target.customer}", code=1)
    return [found]


async def _or_fail(act: Any) -> Any:
    try:
        return await act
    except (NotThere, NotNext) as error:
        fail(str(error), code=1)


def _by(who: str, reason: str) -> By:
    for text in (who, reason):
        if kind := personal(text):
            fail(f"who and why must hold no personal data; this looks like {kind}")
    return By(who or f"os:{getpass.getuser()}", reason or NO_REASON)


def _json(found: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def _named(service: str) -> tuple[str, ...]:
    if service and service not in SERVICES:
        fail(f"{service!r} is no service; there are {', '.join(SERVICES)}")
    return (service,) if service else SERVICES


@asynccontextmanager
async def _releases(service: str) -> AsyncIterator[Releases]:
    (name,) = _named(service) if service else ("",)
    settings = settings_or_fail()
    keys = settings.keys()
    async with _engine(name) as engine:
        yield Shell(
            configured(name, settings),
            engine,
            SystemClock(),
            keys=keys,
            vault=VaultWriter(keys) if parts(name).keeps_vault else None,
            partitions=settings.partitions,
        ).releases


@asynccontextmanager
async def _engine(service: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_for(settings_or_fail().database_url, service, pool_size=1, name="quarantine")
    try:
        yield engine
    finally:
        await engine.dispose()
