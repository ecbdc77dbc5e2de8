"""What left for a customer, and what became of it: channel, recipient's reference, text and version, hash, outcome."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.registry import OUTCOMES

LEFT = ("sending", "done", "unknown")
"""Statuses of effects that left, or may have."""
_LAST = ("unknown", "sent", "refused", "failed", "delivered", "accepted", "answered")
_EFFECTS = text("""
    SELECT seq, effect_id, kind, request::text, status, claimed_at, made::text FROM effects
    WHERE customer_id = :customer_id AND status = ANY(CAST(:left AS text[])) AND seq > :after
        AND claimed_at >= :begin AND claimed_at < :end
    ORDER BY seq LIMIT :limit
""")
_OUTCOMES = text("""
    SELECT payload::text, time FROM inbox
    WHERE customer_id = :customer_id AND type = ANY(CAST(:types AS text[]))
        AND payload->>'effect_id' = ANY(CAST(:effects AS text[]))
    ORDER BY case_seq
""")


class Told(BaseModel):
    """One thing that was told of a contact, and when."""

    outcome: str
    at: datetime
    reason: str = ""
    result: str = ""


class Contact(BaseModel):
    """
    One contact that left, or may have (`outcome` unknown, or sending: nothing was told yet).

    `point_id` refers to the recipient's contact point, `permit_id` is the leave under which it left; `body_hash` is a keyed hash of what was rendered, `template_version`
    the digest of the template's source; both are empty for what left before they were recorded.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "effect_id": "7d0fd0d8-7f5c-53f1-b7cf-0f5a8f1f9d52",
                    "service": "notifier",
                    "channel": "sms",
                    "point_id": "C000042-mobile",
                    "permit_id": "3b0c1c0e-6f0a-5b7e-9d52-0e6a1f7a4c11",
                    "template": "sms.reminder",
                    "template_version": "9f2c4e1ab0d37f55",
                    "body_hash": "5f3a0c9e8d7b6a594837261504f3e2d1",
                    "left_at": "2026-03-02T01:30:00Z",
                    "outcome": "delivered",
                    "told": [{"outcome": "delivered", "at": "2026-03-02T01:31:00Z"}],
                }
            ]
        }
    )

    effect_id: str
    service: str
    channel: str
    point_id: str
    permit_id: str = ""
    template: str = ""
    template_version: str = ""
    body_hash: str = ""
    left_at: datetime
    outcome: str
    told: list[Told] = []


class Contacts(BaseModel):
    """A page in the order of their start; `next` is the `after` of the page that follows, absent on the last one."""

    contacts: list[Contact]
    next: int | None = None


def between(from_: date, to: date, zone: str) -> tuple[datetime, datetime]:
    """Answer the instants from the beginning of *from_* to the end of *to* in the IANA zone *zone*."""
    where = ZoneInfo(zone)
    return (
        datetime.combine(from_, time.min, where),
        datetime.combine(to + timedelta(days=1), time.min, where),
    )


async def contacts_of(
    connection: AsyncConnection,
    service: str,
    customer_id: str,
    window: tuple[datetime, datetime],
    *,
    after: int = 0,
    limit: int = 500,
) -> Contacts:
    """Answer a page of what *service* let leave for the customer within the *window* (its end not included)."""
    begin, end = window
    rows = (
        await connection.execute(
            _EFFECTS,
            {
                "customer_id": customer_id, "left": list(LEFT), "after": after, "begin": begin, "end": end,
                "limit": limit,
            },
        )
    ).all()  # fmt: skip
    told: dict[str, list[Told]] = {row.effect_id: [] for row in rows}
    found = await connection.execute(
        _OUTCOMES,
        {"customer_id": customer_id, "types": sorted(OUTCOMES), "effects": sorted(told)},
    )
    for payload, at in found:
        fact = msgspec.json.decode(payload)
        told[fact["effect_id"]].append(_told(fact, at))
    contacts = [_contact(service, row, told[row.effect_id]) for row in rows]
    return Contacts(contacts=contacts, next=rows[-1].seq if len(rows) == limit else None)


def _told(fact: Mapping[str, Any], at: datetime) -> Told:
    return Told(
        outcome=fact["outcome"], at=at, reason=fact.get("reason", ""), result=fact.get("result", "")
    )


def _contact(service: str, row: Any, told: list[Told]) -> Contact:
    request = msgspec.json.decode(row.request)
    made = msgspec.json.decode(row.made) if row.made else {}
    outcomes = [each.outcome for each in told]
    last = max(outcomes, key=lambda o: _LAST.index(o) if o in _LAST else len(_LAST), default="")
    return Contact(
        effect_id=row.effect_id,
        service=service,
        channel=row.kind.removeprefix("contact."),
        point_id=request.get("point_id") or "",
        permit_id=(request.get("permit") or {}).get("permit_id", ""),
        template=made.get("template") or request.get("template", ""),
        template_version=made.get("version", ""),
        body_hash=made.get("body_hash", ""),
        left_at=row.claimed_at,
        outcome=last or row.status,
        told=told,
    )
