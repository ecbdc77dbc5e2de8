"""The quarantine over HTTP: what could not be decided, what a release would do, release and discard."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from shared.http.access import Caller, needs, reach, require_visible
from shared.http.context import Running
from shared.http.problems import RESPONSES, Problem, ProblemError
from shared.http.quarantine_models import (
    Discard,
    Entry,
    EntryDetail,
    EntryPage,
    Fate,
    GroupLine,
    Groups,
    Original,
    Outcome,
    Outcomes,
    Release,
    Wanted,
)
from shared.messaging import quarantine_views
from shared.messaging.quarantine_views import Chosen, Quarantined
from shared.messaging.release_terms import By, NotNext, NotThere
from shared.runtime import Runtime

router = APIRouter(tags=["quarantine"], responses=RESPONSES)

_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}
_NOT_NEXT: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "It is not this entry's turn"}
}

Reads = Annotated[Caller, needs("quarantine:read")]
Acts = Annotated[Caller, needs("quarantine:release")]
EntryId = Annotated[int, Path(ge=1, lt=2**63)]


def _chosen(caller: Caller, status: str = "waiting", **named: str | None) -> Chosen:
    limits = reach(caller)
    return Chosen(
        **named,
        status=None if status == "any" else status,
        regions=limits["reach_regions"],
        portfolios=limits["reach_portfolios"],
    )


@router.get("/quarantine/groups")
async def groups(
    runtime: Running,
    caller: Reads,
    status: Annotated[Fate, Query(description="What became of it.")] = "waiting",
) -> Groups:
    """Answer what stands in quarantine by reason, type and fingerprint of the error, the most frequent first."""
    async with runtime.engine.connect() as connection:
        found = await quarantine_views.groups(connection, _chosen(caller, status))
    return Groups(groups=[GroupLine.model_validate(group) for group in found])


@router.get("/quarantine")
async def page(runtime: Running, caller: Reads, wanted: Annotated[Wanted, Query()]) -> EntryPage:
    """Answer entries, the oldest first, page by page; without what the records hold."""
    named = wanted.model_dump(include={"reason", "type", "fingerprint", "customer_id"})
    chosen = _chosen(caller, wanted.status, **named)
    async with runtime.engine.connect() as connection:
        found = await quarantine_views.page(
            connection, chosen, after=wanted.after, limit=wanted.limit
        )
    entries = [Entry.model_validate(each) for each in found]
    full = len(entries) == wanted.limit
    return EntryPage(entries=entries, next=entries[-1].id if full else None)


@router.get("/quarantine/{entry_id}", responses=_MISSING)
async def one(runtime: Running, caller: Reads, entry_id: EntryId) -> EntryDetail:
    """Answer one entry with the record's own bytes, decrypted; that it was seen, and by whom, is recorded."""
    await _visible(runtime, caller, entry_id)
    seen = await runtime.shell.releases.view(entry_id, By(caller.subject, ""))
    if seen is None:
        raise ProblemError("not-found", "There is no such entry.")
    entry, record = seen
    return EntryDetail(
        **Entry.model_validate(entry).model_dump(),
        record=None
        if record is None
        else Original.model_validate(quarantine_views.readable(record)),
    )


@router.post("/quarantine/releases", responses={**_MISSING, **_NOT_NEXT})
async def release(runtime: Running, caller: Reads, body: Release) -> Outcomes:
    """
    Release a customer, one entry or a group, in order; `dry_run` says what would be decided now, and saves nothing.

    A dry run needs the scope quarantine:read, a release quarantine:release. What still fails stays parked and
    is reported; the other customers of a group go on.
    """
    if not body.dry_run and "quarantine:release" not in caller.scopes:
        raise ProblemError("forbidden", "This needs the scope quarantine:release.")
    try:
        if body.group is not None:
            return await _group(runtime, caller, body)
        outcome = await _one(runtime, caller, body)
    except NotThere:
        raise ProblemError("not-found", "There is no such entry.") from None
    except NotNext as error:
        raise ProblemError("not-next", str(error)) from None
    if outcome is None:
        raise ProblemError("not-found", "Nothing of this customer is parked here.")
    runtime.relay.wake()
    return Outcomes(dry_run=body.dry_run, outcomes=[outcome])


@router.post("/quarantine/{entry_id}/discard", responses={**_MISSING, **_NOT_NEXT})
async def discard(runtime: Running, caller: Acts, entry_id: EntryId, body: Discard) -> Outcome:
    """Drop one entry that nobody needs, and decide what waits behind it; that, by whom and why is recorded."""
    await _visible(runtime, caller, entry_id)
    try:
        released = await runtime.shell.releases.discard(
            entry_id, By(caller.subject, body.reason or "")
        )
    except NotThere:
        raise ProblemError("not-found", "There is no such entry.") from None
    except NotNext as error:
        raise ProblemError("not-next", str(error)) from None
    runtime.relay.wake()
    return Outcome.model_validate(released)


async def _one(runtime: Runtime, caller: Caller, body: Release) -> Outcome | None:
    """Release, or rehearse, the entry or the customer that the body names; None where nothing is parked."""
    releases, by = runtime.shell.releases, By(caller.subject, body.reason or "")
    if body.id is not None:
        await _visible(runtime, caller, body.id)
        if body.dry_run:
            return _outcome(await releases.rehearse_record(body.id))
        return _outcome(await releases.record(body.id, by))
    assert body.customer_id is not None
    await _sees(runtime, caller, body.customer_id)
    if body.dry_run:
        return _outcome(await releases.rehearse(body.customer_id))
    return _outcome(await releases.customer(body.customer_id, by))


async def _group(runtime: Runtime, caller: Caller, body: Release) -> Outcomes:
    assert body.group is not None
    chosen = _chosen(caller, **body.group.model_dump())
    releases = runtime.shell.releases
    if body.dry_run:
        places = await releases.members(chosen, after=body.after, limit=body.limit)
        outcomes = [
            outcome for place in places if (outcome := await _rehearsed(runtime, place)) is not None
        ]
        after = places[-1] if len(places) == body.limit else None
        return Outcomes(dry_run=True, outcomes=outcomes, next=after)
    part = await releases.group(
        chosen, By(caller.subject, body.reason or ""), after=body.after, limit=body.limit
    )
    runtime.relay.wake()
    outcomes = [Outcome.model_validate(each) for each in part.released]
    return Outcomes(dry_run=False, outcomes=outcomes, next=part.next or None)


async def _rehearsed(runtime: Runtime, place: str) -> Outcome | None:
    releases = runtime.shell.releases
    try:
        if place.startswith("="):
            return _outcome(await releases.rehearse(place[1:]))
        return _outcome(await releases.rehearse_record(int(place[1:])))
    except NotNext:
        return None  # somebody was quicker


def _outcome(told: object | None) -> Outcome | None:
    return None if told is None else Outcome.model_validate(told)


async def _visible(runtime: Runtime, caller: Caller, entry_id: int) -> Quarantined:
    """Answer the entry without its content; 404 where there is none that the caller may see."""
    async with runtime.engine.connect() as connection:
        entry = await quarantine_views.one(connection, entry_id)
    if entry is None or (not entry.customer_id and _is_limited(caller)):
        raise ProblemError("not-found", "There is no such entry.")
    if entry.customer_id:
        await _sees(runtime, caller, entry.customer_id)
    return entry


def _is_limited(caller: Caller) -> bool:
    return any(limit is not None for limit in reach(caller).values())


async def _sees(runtime: Runtime, caller: Caller, customer_id: str) -> None:
    async with runtime.engine.connect() as connection:
        await require_visible(connection, caller, customer_id)
