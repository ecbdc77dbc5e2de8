"""What the commands of controls.py do, on the database of ARREARS_DATABASE_URL: each service in its own transaction.

A service that cannot be reached keeps no other from being stopped.
"""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.cli.output import fail, note
from shared.cli.serving import settings_or_fail
from shared.clock import SystemClock
from shared.db import engine_for
from shared.events.registry import SERVICES
from shared.messaging import controls, fuses, mass_failure
from shared.messaging.controls import CHANNELS, Filter, Stop

Result = tuple[list[str], list[str]]
Work = Callable[[AsyncConnection], Awaitable[Sequence[str]]]
WAIT_SECONDS = 75.0
"""How long a command goes on trying: the database ends a transaction that somebody left open after 60 s."""


async def run_stop(service: str, what: Filter, reason: str, by: str) -> Result:
    """Stop what matches, in every service or one."""
    _check(what.channel, reason)
    who, at = by or getpass.getuser(), SystemClock().now()

    async def work(tx: AsyncConnection) -> list[str]:
        stopped = await controls.stop(tx, what, reason=reason, by=who, at=at)
        lines = [f"stopped {what}; holds {stopped.held} pending; id {stopped.stop_id}"]
        if stopped.sending:
            lines.append(f"{len(stopped.sending)} claimed before, which may leave or have left:")
        return lines + [
            f"  {each.effect_id} {each.kind} claimed {each.claimed_at:%Y-%m-%d %H:%M:%S} UTC"
            for each in stopped.sending
        ]

    return await _each(service, work)


async def run_resume(
    service: str, what: Filter, stop_id: str, reason: str, by: str, *, every: bool
) -> Result:
    """End the stops with exactly this filter, or one by its id, or all."""
    _check(what.channel, reason)
    who, at = by or getpass.getuser(), SystemClock().now()
    found = 0

    async def work(tx: AsyncConnection) -> list[str]:
        nonlocal found
        await controls.take(tx)
        people = [each for each in await controls.in_force(tx) if each.kind == "person"]
        chosen = [
            each
            for each in people
            if every or (each.stop_id == stop_id if stop_id else each.filter == what)
        ]
        for each in chosen:
            await controls.resume(tx, each.stop_id, reason=reason, by=who, at=at)
        found += len(chosen)
        left = [f"still stopped: {_line(each)}" for each in people if each not in chosen]
        return [f"resumed {each.filter}" for each in chosen] + left

    done, failed = await _each(service, work)
    if not (found or failed):
        failed = ["no stop in force matches; `arrears stops` lists them"]
    return done, failed


async def run_resume_mass_failure(service: str, reason: str, by: str, *, parks: bool) -> Result:
    """Let a service go on after a mass failure."""
    _check("", reason)
    who, at = by or getpass.getuser(), SystemClock().now()

    async def work(tx: AsyncConnection) -> list[str]:
        ended = await mass_failure.resume(tx, reason=reason, by=who, at=at, parks=parks)
        then = "its customers are parked if it fails again" if parks else "stops again if it fails"
        return [f"resumed after {each.fingerprint} ({each.code_version}): {then}" for each in ended]

    done, failed = await _each(service, work)
    return done, failed or ([] if done else ["no mass failure stands"])


async def run_stops(service: str) -> Result:
    """List what is held back."""

    async def work(tx: AsyncConnection) -> list[str]:
        found = await controls.standing(tx)
        lines = [_line(each) for each in (*found.stops, *found.fuses)]
        if failure := found.mass_failure:
            lines.append(
                f"stopped by a mass failure since {failure.at:%Y-%m-%d %H:%M} UTC: {failure.customers} customers, "
                f"{failure.failed} of {failure.tried} decisions: {failure.fingerprint}"
            )
        return lines

    done, failed = await _each(service, work)
    return done or ["nothing is held back"], failed


async def run_fuses(service: str) -> Result:
    """List the channels that something left by, or whose fuse has tripped."""
    limits, now = settings_or_fail().limits(), SystemClock().now()

    async def work(tx: AsyncConnection) -> list[str]:
        return [
            f"{each.channel}: {each.departed} this hour, norm {_or_none(each.norm)}, cap {_or_none(each.cap)}"
            + (f"; TRIPPED: {each.tripped.reason}" if each.tripped else "")
            for each in await fuses.overview(tx, limits, now)
            if each.departed or each.norm is not None or each.tripped
        ]

    done, failed = await _each(service, work)
    return done or ["nothing left in this hour, and no fuse has tripped"], failed


async def run_release(service: str, channel: str, reason: str, by: str, hours: int) -> Result:
    """Release a channel's fuse."""
    _check(channel, reason)
    who, at = by or getpass.getuser(), SystemClock().now()

    async def work(tx: AsyncConnection) -> list[str]:
        found = await fuses.release(tx, channel, reason=reason, by=who, at=at, hours=hours)
        return [f"released {channel}: {found.reason}"] if found else []

    done, failed = await _each(service, work)
    return done, failed or ([] if done else [f"no fuse of {channel} has tripped"])


async def _each(service: str, work: Work) -> Result:
    """Do *work* in each service's schema; answers its lines, and what could not be done."""
    if service and service not in SERVICES:
        fail(f"{service!r} is no service; there are {', '.join(SERVICES)}")
    names = (service,) if service else SERVICES
    results = await asyncio.gather(*(_one(name, work) for name in names))
    return [line for done, _ in results for line in done], [f for _, f in results if f]


async def _one(service: str, work: Work) -> tuple[list[str], str]:
    """Try until the claims and transactions that hold the switch have ended."""
    engine = engine_for(settings_or_fail().database_url, service, pool_size=1, name="controls")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    try:
        while True:
            try:
                async with engine.begin() as tx:
                    lines = await work(tx)
                return [f"{service}: {line}" for line in lines], ""
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                if loop.time() > deadline:
                    return [], f"{service}: NOT DONE: {type(error).__name__}"
                note(f"{service}: not done yet ({type(error).__name__}), trying again")
            await asyncio.sleep(1)
    finally:
        await engine.dispose()


def _check(channel: str, reason: str) -> None:
    """Refuse a channel that there is not (a stop of it would hold nothing), and a reason that is none."""
    if channel and channel not in CHANNELS:
        fail(f"{channel!r} is no channel; there are {', '.join(CHANNELS)}")
    if problem := controls.wrong_reason(reason):
        fail(f"--reason {problem}")


def _line(each: Stop) -> str:
    since = f"{each.at:%Y-%m-%d %H:%M} UTC"
    if each.kind == "fuse":
        return f"fuse of {each.filter.channel} tripped {since}: {each.reason}"
    return f"{each.filter} since {since} by {each.by}: {each.reason}; id {each.stop_id}"


def _or_none(limit: int | None) -> str:
    return "none" if limit is None else str(limit)
