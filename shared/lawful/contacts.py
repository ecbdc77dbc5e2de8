"""Which facts tell of a contact that was made, when, by which way, and under which leave."""

from dataclasses import dataclass
from datetime import datetime

from shared.events import agencies, contacts, legal, notifier, visits
from shared.events.envelope import Event
from shared.lawful.record import Leave, Record
from shared.permits.outcomes import NOBODY_KNOWS

VISIT, LETTER = "visit", "letter"


@dataclass(frozen=True, slots=True)
class Made:
    """
    A contact that was made, or may have been (`surely` False): by which service, person or agency, and with which leave.

    `at` is when it was made as far as the event tells. `permit_id` is the leave that it names, `leave` that leave where
    it was given.
    """

    customer_id: str
    event: Event
    at: datetime
    kind: str
    channel: str
    point_id: str
    permit_id: str
    leave: Leave | None
    surely: bool = True
    agency: str = ""


def made(event: Event, record: Record) -> Made | None:
    """Answer the contact that the event tells of, if it tells of one that we or an agency made."""
    match event.data:
        case notifier.ContactSent() as data:
            point_id = data.point_id
            return _ours(
                record, event, "message", data.channel, point_id, data.permit_id, event.time
            )
        case notifier.ContactUnknown() as data:
            return _perhaps(record, event, "message", data.channel, data.permit_id)
        case legal.LegalLetterSent() as data:
            return _ours(record, event, "letter", LETTER, data.point_id, data.permit_id, event.time)
        case legal.LegalWithdrawn() as data if data.permit_id:
            return _perhaps(record, event, "letter", LETTER, data.permit_id)
        case visits.VisitFailed() as data if data.reason in NOBODY_KNOWS:
            return _perhaps(record, event, "visit", VISIT, data.permit_id)
        case visits.VisitCompleted() as data:
            return _ours(record, event, "visit", VISIT, "", data.permit_id, _visited(record, event))
        case contacts.ContactReported() as data:
            leave = record.leaves.get(data.permit_id)
            if leave is None:
                return _ours(record, event, "person", "", "", data.permit_id, event.time)
            permit = leave.permit
            at = data.occurred_at or min(event.time, permit.not_before)
            return _ours(
                record, event, "person", permit.channel, permit.point_id, data.permit_id, at
            )
        case agencies.AgencyContacted(direction="out") as data:
            return Made(
                record.customer_id, event, data.occurred_at, "agency", data.channel, data.point_id, "", None,
                agency=data.agency,
            )  # fmt: skip
        case _:
            return None


def _perhaps(record: Record, event: Event, kind: str, channel: str, permit_id: str) -> Made:
    """Answer a contact of which nobody knows whether it was made: if so, at the latest when that was told."""
    leave = record.leaves.get(permit_id)
    at = event.time if leave is None else min(event.time, leave.permit.not_before)
    return _ours(record, event, kind, channel, "", permit_id, at, surely=False)


def _ours(
    record: Record,
    event: Event,
    kind: str,
    channel: str,
    point_id: str,
    permit_id: str,
    at: datetime,
    *,
    surely: bool = True,
) -> Made:
    leave = record.leaves.get(permit_id)
    if not point_id and leave is not None:
        point_id = leave.permit.point_id
    return Made(record.customer_id, event, at, kind, channel, point_id, permit_id, leave, surely)


def _visited(record: Record, event: Event) -> datetime:
    """Answer when the staff stood at the door: they report later, at the latest on the evening of that day."""
    leave = record.leaves.get(event.data.permit_id)  # type: ignore[attr-defined]
    if leave is None or event.time < leave.permit.not_after:
        return event.time
    return leave.permit.not_before
