"""The contact log over HTTP: what this service let leave for a customer."""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Path, Query

from shared.contact_log import Contacts, between, contacts_of
from shared.http.access import Caller, needs, require_visible
from shared.http.commands import wrong
from shared.http.context import Limit, Running
from shared.http.problems import RESPONSES, Problem

router = APIRouter(tags=["contact log"], responses={**RESPONSES, 404: {"model": Problem}})
LATEST = date(9000, 1, 1)


@router.get("/customers/{customer_id}/contacts")
async def contacts(
    runtime: Running,
    caller: Annotated[Caller, needs("contacts:export")],
    customer_id: Annotated[str, Path(min_length=1, max_length=128)],
    from_: Annotated[date, Query(alias="from", description="The first day.")],
    to: Annotated[date, Query(description="The last day.")],
    zone: Annotated[
        str,
        Query(
            max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$", description="In which the days count."
        ),
    ] = "Asia/Shanghai",
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Limit = 100,
) -> Contacts:
    """Answer each contact that left for the customer: channel, reference, text and version, hash, outcome."""
    if not date(1971, 1, 1) <= from_ <= to <= LATEST:
        raise wrong("query.to", "must not lie before `from`")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong("query.zone", "is no time zone of the IANA database") from None
    async with runtime.engine.connect() as connection:
        await require_visible(connection, caller, customer_id)
        window = between(from_, to, zone)
        return await contacts_of(
            connection, runtime.reactor.name, customer_id, window, after=after, limit=limit
        )
