"""Read the gate's log out of the facts on the bus: each fact that the table of ways in names becomes entries. Pure.

What came of a contact that had a permit is no entry of its own: it replaces the permit's (shared/permits/outcomes.py).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from shared.compliance.entries import Entry
from shared.events import agencies, commands, contacts, core_banking, declarations, legal, notifier
from shared.events.envelope import Event, Fact
from shared.events.registry import TYPE_OF

RELEASED = "hold.released"
"""Not a type of the gate: completed() makes of it the end of what the hold with this case began."""
ENDS_OF = {"dispute.opened": "dispute.resolved", "attorney.known": "attorney.released"}
_ENDS_BY_DEBT = frozenset({"attorney.released", "cease.withdrawn"})
"""Ends that name no debt end nothing (the gate's reading); who says them without one means all debts."""
_GATE_CHANNELS = {"wechat": "im"}
_MOBILE = "mobile"


def gate_channel(channel: str | None) -> str:
    """Answer how the rules call a channel of the bus."""
    return _GATE_CHANNELS.get(channel or "", channel or "")


def entries(event: Event) -> tuple[Entry, ...]:
    """Answer what the fact adds to the log of the person whom it is about; nothing for most facts."""
    read = _READERS.get(type(event.data))
    return tuple(read(event.data, event)) if read is not None else ()


def completed(log: Iterable[Entry], debts: tuple[str, ...]) -> Iterator[Entry]:
    """
    Answer the log as the gate reads it, in the order given: releases become the ends of what they release.

    *debts* are all debts of the person: an end that is said of no debt in particular is said of all.
    """
    told = tuple(log)
    released = {entry.case: entry for entry in told if entry.type == RELEASED}
    for entry in told:
        if entry.type == RELEASED:
            continue
        yield _of_all(entry, debts)
        end = released.get(entry.case) if entry.type in ENDS_OF else None
        if end is not None:
            over = replace(
                end, id=f"{end.id}/{entry.id}", type=ENDS_OF[entry.type], debts=entry.debts
            )
            yield _of_all(over, debts)


def _of_all(entry: Entry, debts: tuple[str, ...]) -> Entry:
    if entry.type in _ENDS_BY_DEBT and not entry.debts:
        return replace(entry, debts=debts)
    return entry


def _plain(name: str, data: Any, event: Event, **more: Any) -> Entry:
    """Make an entry of type *name*: with what the fact says that an entry has a place for."""
    occurred_at = getattr(data, "occurred_at", None)
    told = {
        "id": event.id,
        "src": event.source,
        "at": occurred_at or event.time,
        "rec": event.time if occurred_at is not None else None,
        "person": data.customer_id,
        "debts": tuple(getattr(data, "account_ids", ())),
        "case": getattr(data, "case", ""),
        "point": getattr(data, "point_id", None) or "",
        "contacted": getattr(data, "contacted", ""),
    }
    return Entry(type=name, **(told | more))


def _by_its_own_name(data: Fact, event: Event) -> Iterator[Entry]:
    yield _plain(TYPE_OF[type(data)], data, event)


def _consent(data: declarations.ConsentGiven, event: Event) -> Iterator[Entry]:
    yield _plain(
        "consent", data, event, kind=data.kind, topic=data.topic, days=data.days,
        until=data.until, until_on=data.until_on,
    )  # fmt: skip


def _consent_withdrawn(data: declarations.ConsentWithdrawn, event: Event) -> Iterator[Entry]:
    yield _plain("consent.withdrawn", data, event, kind=data.kind)


def _limitation(data: declarations.LimitationStated, event: Event) -> Iterator[Entry]:
    yield _plain("limitation.stated", data, event, until_on=data.until_on)


def _opt_out(data: Any, event: Event) -> Iterator[Entry]:
    name = "optin" if isinstance(data, declarations.OptInDeclared) else "optout"
    yield _plain(
        name, data, event, scope=data.scope, channel=gate_channel(data.channel),
        topic=getattr(data, "topic", ""),
    )  # fmt: skip


def _do_not_call(data: commands.DoNotCallDeclared, event: Event) -> Iterator[Entry]:
    yield _plain("optout", data, event, scope="channel", channel="call")


def _inconvenient(data: commands.InconvenientDeclared, event: Event) -> Iterator[Entry]:
    for number, window in enumerate(data.windows):
        yield _plain(
            "inconvenient.declared", data, event, id=f"{event.id}/{number}",
            local=(f"{window.start:%H:%M}-{window.end:%H:%M}",), weekdays=window.days,
        )  # fmt: skip


def _held(name: str) -> Callable[[Any, Event], Iterator[Entry]]:
    def read(data: Any, event: Event) -> Iterator[Entry]:
        account_id = getattr(data, "account_id", None)
        debts = (account_id,) if account_id else tuple(getattr(data, "account_ids", ()))
        yield _plain(name, data, event, case=data.hold_id, debts=debts)

    return read


def _received(data: contacts.ContactReceived, event: Event) -> Iterator[Entry]:
    yield _plain(
        "contact", data, event, channel=gate_channel(data.channel), direction="in",
        result=data.result, party=data.party,
    )  # fmt: skip
    if data.channel == "sms":
        yield _plain("consumer.text", data, event, id=f"{event.id}/text")


def _by_agency(data: agencies.AgencyContacted, event: Event) -> Iterator[Entry]:
    yield _plain(
        "contact", data, event, src=f"/agencies/{data.agency}", id=data.contact_id,
        channel=gate_channel(data.channel), direction=data.direction, result=data.result,
        party=data.party, purpose=data.purpose, collector=data.agency,
    )  # fmt: skip


def _letter(data: legal.LegalLetterSent, event: Event) -> Iterator[Entry]:
    yield _plain(
        "letter_of_claim.dated", data, event, debts=tuple(getattr(data, "accounts", ()))
    )  # fmt: skip


def _invalidated(data: notifier.ContactPointInvalidated, event: Event) -> Iterator[Entry]:
    yield _plain("point.invalidated", data, event, id=f"{data.point_id}/{event.id}")


def _known_points(data: core_banking.CustomerUpdated, event: Event) -> Iterator[Entry]:
    for point in data.contact_points:
        if point.kind == _MOBILE and point.party == "debtor":  # a friend's number reaches no debtor
            yield _plain(
                "point.known", data, event, id=f"{event.id}/{point.point_id}",
                point=point.point_id, kind=point.kind,
            )  # fmt: skip


def _merged(data: core_banking.CustomerMerged, event: Event) -> Iterator[Entry]:
    merged = _plain("person.merged", data, event)
    yield msgspec.structs.replace(
        merged, person="", from_=data.from_customer_id, to=data.customer_id
    )


def _bankrupt(data: core_banking.CustomerBankrupt, event: Event) -> Iterator[Entry]:
    if not data.ended:  # that it ended says nothing of a discharge
        yield _plain("bankruptcy.filed", data, event, case=data.case_no or "")


_READERS: dict[type[Fact], Callable[[Any, Event], Iterator[Entry]]] = {
    **dict.fromkeys(declarations.TYPES.values(), _by_its_own_name),
    declarations.ConsentGiven: _consent,
    declarations.ConsentWithdrawn: _consent_withdrawn,
    declarations.LimitationStated: _limitation,
    declarations.OptInDeclared: _opt_out,
    declarations.AttorneyReleased: _held("attorney.released"),
    commands.OptOutDeclared: _opt_out,
    notifier.OptOutRecorded: _opt_out,
    commands.DoNotCallDeclared: _do_not_call,
    commands.InconvenientDeclared: _inconvenient,
    commands.DisputeRaised: _held("dispute.opened"),
    commands.AttorneyAppointed: _held("attorney.known"),
    commands.HoldReleased: _held(RELEASED),
    contacts.ContactReceived: _received,
    agencies.AgencyContacted: _by_agency,
    legal.LegalLetterSent: _letter,
    notifier.ContactPointInvalidated: _invalidated,
    core_banking.CustomerUpdated: _known_points,
    core_banking.CustomerMerged: _merged,
    core_banking.CustomerBankrupt: _bankrupt,
}
READ = frozenset(_READERS)
"""The facts that become entries by themselves."""
