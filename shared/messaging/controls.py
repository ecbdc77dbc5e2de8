"""The stop switch: after stop() has returned, nothing that matches is claimed until somebody resumes.

Every claim locks the one row of `switch` FOR SHARE in its own transaction, and then reads the stops in force; stop()
and resume() lock it alone. Stops are acts of people, not decisions: a replay knows nothing of them.
"""

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from shared.audit.acts import SERVICE, record_act
from shared.events.identifiers import personal
from shared.events.personal_numbers import number_in
from shared.ids import derive
from shared.messaging import mass_failure
from shared.messaging.mass_failure import MassFailure

CHANNELS = ("sms", "call", "email", "wechat", "letter", "visit", "court")
"""What a stop or a fuse may name: contacts by their channel, letters of any service, visit orders, filings."""


LONGEST_REASON = 500


class SwitchMissing(RuntimeError):
    """The schema has no switch to lock: nothing may leave."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a stop is about; an empty field matches everything, so an empty filter stops all."""

    channel: str = ""
    region: str = ""
    template: str = ""
    provider: str = ""

    @override
    def __str__(self) -> str:
        """Say it as an operator would: `channel sms, region 310000`."""
        named = zip(("channel", "region", "template", "provider"), astuple(self), strict=True)
        return ", ".join(f"{name} {value}" for name, value in named if value) or "everything"


@dataclass(frozen=True, slots=True)
class Stop:
    """
    A stop in force. `kind`: `person`, or `fuse` (then `cause` says which limit, `cap` or `norm`,
    `allowed` how many may leave in the hour and `departed` how many had).
    """

    stop_id: str
    kind: str
    filter: Filter
    reason: str
    by: str
    at: datetime
    cause: str = ""
    departed: int = 0
    allowed: int = 0


@dataclass(frozen=True, slots=True)
class Sending:
    """An effect that was claimed before the stop: it may still leave, or have left."""

    effect_id: str
    kind: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a stop came to: `sending` was claimed before it, `held` are pending effects that it holds now."""

    stop_id: str
    sending: tuple[Sending, ...]
    held: int


@dataclass(frozen=True, slots=True)
class Controls:
    """What keeps effects or decisions back: stops by people, fuses that tripped, a mass failure of this code."""

    stops: tuple[Stop, ...]
    fuses: tuple[Stop, ...]
    mass_failure: MassFailure | None


MATCHES = """
    stops.channel IN ('', effects.channel) AND stops.region IN ('', effects.region)
    AND stops.template IN ('', effects.template) AND stops.provider IN ('', :provider)"""
"""Whether a row of `stops` is about a row of `effects` that would be handed to :provider."""
_SHARE = text("SELECT one FROM switch FOR SHARE")
# New share locks may overtake a waiting exclusive lock of a row, but not of a table: so a stop cannot starve.
_ALONE = text("LOCK TABLE switch IN EXCLUSIVE MODE")
_UPDATE = text("SELECT one FROM switch FOR UPDATE")
_STOP = text("""
    INSERT INTO stops (stop_id, kind, channel, region, template, provider, reason, by, at)
    VALUES (:id, 'person', :channel, :region, :template, :provider, :reason, :by, :at)
    ON CONFLICT (stop_id) DO UPDATE SET resumed_at = NULL, resumed_by = '', resume_reason = ''
""")
_SENDING = text("""
    SELECT effect_id, kind, claimed_at FROM effects
    WHERE status = 'sending' AND :channel IN ('', channel) AND :region IN ('', region)
        AND :template IN ('', template) AND :provider IN ('', provider)
    ORDER BY claimed_at, seq
""")
_HELD = text("""
    SELECT count(*) FROM effects
    WHERE status = 'pending' AND :channel IN ('', channel) AND :region IN ('', region)
        AND :template IN ('', template)
""")
_COLUMNS = (
    "stop_id, kind, channel, region, template, provider, reason, by, at, cause, departed, allowed"
)
_STANDING = text(f"SELECT {_COLUMNS} FROM stops WHERE resumed_at IS NULL ORDER BY at, stop_id")  # noqa: S608  a constant
_RESUME = text(f"""
    UPDATE stops SET resumed_at = :at, resumed_by = :by, resume_reason = :reason
    WHERE stop_id = :id AND resumed_at IS NULL RETURNING {_COLUMNS}
""")  # noqa: S608  a constant


def wrong_reason(text: str) -> str:
    """Say what is wrong with a reason that a person gave, or "": it stands in the audit trail for ever."""
    if not text.strip():
        return "is empty"
    if len(text) > LONGEST_REASON:
        return f"is longer than {LONGEST_REASON} characters"
    if not text.isprintable():
        return "holds control characters"
    if kind := personal(text) or number_in(text):
        return f"holds {kind}"
    return ""


async def hold(tx: AsyncConnection) -> None:
    """Keep the switch as it is until *tx* ends: whoever stops waits for us. Raises SwitchMissing."""
    if (await tx.execute(_SHARE)).first() is None:
        raise SwitchMissing("the table switch is empty")


async def take(tx: AsyncConnection) -> None:
    """Have the switch alone until *tx* ends; waits for the claims under way. Raises SwitchMissing."""
    await tx.execute(_ALONE)
    if (await tx.execute(_UPDATE)).first() is None:
        raise SwitchMissing("the table switch is empty")


def stop_id(what: Filter, at: datetime) -> str:
    """Answer the id of a stop: the same in each service that one command stops."""
    return derive("stop", *astuple(what), at.isoformat())


async def stop(tx: AsyncConnection, what: Filter, *, reason: str, by: str, at: datetime) -> Stopped:
    """
    Let nothing that matches *what* be claimed once *tx* is committed.

    Answers what had been claimed before. `held` counts for any provider: which one will take a pending
    effect is known when it is claimed.
    """
    await take(tx)
    fields = dict(zip(("channel", "region", "template", "provider"), astuple(what), strict=True))
    id_ = stop_id(what, at)
    await tx.execute(_STOP, {"id": id_, "reason": reason, "by": by, "at": at, **fields})
    await record_act(
        tx,
        subject=SERVICE,
        actor=by,
        act="stop",
        reason=reason,
        detail={"stop_id": id_, **{name: value for name, value in fields.items() if value}},
        at=at,
    )
    sending = tuple(Sending(*row) for row in await tx.execute(_SENDING, fields))
    del fields["provider"]
    return Stopped(id_, sending, int(await tx.scalar(_HELD, fields) or 0))


async def resume(
    tx: AsyncConnection, stop_id: str, *, reason: str, by: str, at: datetime
) -> Stop | None:
    """End one stop of a person; answers it, or None where it is not in force. Fuses are released in fuses.py."""
    await take(tx)
    chosen = next(
        (each for each in await in_force(tx) if each.stop_id == stop_id and each.kind == "person"),
        None,
    )
    if chosen is not None:
        await tx.execute(_RESUME, {"id": stop_id, "reason": reason, "by": by, "at": at})
        await record_act(
            tx,
            subject=SERVICE,
            actor=by,
            act="resume",
            reason=reason,
            detail={"stop_id": stop_id},
            at=at,
        )
    return chosen


async def in_force(connection: AsyncConnection) -> list[Stop]:
    """Answer the stops that nobody ended, the oldest first; fuses too."""
    return [stop_of(row) for row in await connection.execute(_STANDING)]


async def standing(connection: AsyncConnection) -> Controls:
    """Answer all that keeps effects or decisions back in this service now: for health, metrics and people."""
    stops = await in_force(connection)
    return Controls(
        stops=tuple(each for each in stops if each.kind == "person"),
        fuses=tuple(each for each in stops if each.kind == "fuse"),
        mass_failure=await mass_failure.standing(connection),
    )


def stop_of(row: Any) -> Stop:
    """Read a row of the columns of Stop."""
    id_, kind, channel, region, template, provider, *rest = row
    return Stop(id_, kind, Filter(channel, region, template, provider), *rest)
