"""Keep the log that the gate reads: what each fact adds to it, and what is too old for any rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from services.scheduler.domain.state import CollectionCase
from shared.canonical import canonical
from shared.compliance.entries import Entry
from shared.compliance.instants import most_days
from shared.compliance.pack import Pack
from shared.compliance.rules import Cap, Cooldown, Match
from shared.events import core_banking, notifier
from shared.events.envelope import Event
from shared.permits import outcomes, reading

_IN_THE_RECORD = (core_banking.CustomerUpdated, notifier.ContactPointInvalidated)
"""What they say of points stands in the case already; entries() makes the log's entries of it."""
AT_LEAST = timedelta(days=7)
"""How long a contact is kept whatever the rules: a late outcome belongs to it."""
LONGEST = timedelta(days=400)
"""What asks for a longer time asks for ever."""


def key_of(entry: Entry) -> str:
    """Answer under which key the case keeps an entry: one fact, one key."""
    return f"{entry.src} {entry.id}"


def permit_key(permit_id: str) -> str:
    """Answer the key of a permit's entry."""
    return f"{outcomes.SRC} {permit_id}"


def note(case: CollectionCase, event: Event) -> CollectionCase:
    """Add what the fact tells the gate; the case itself when it tells nothing new."""
    if isinstance(event.data, _IN_THE_RECORD):
        return case
    case = _with_outcome(case, event)
    added = {
        key: entry
        for entry in reading.entries(event)
        if _is_news(entry, case.log.get(key := key_of(entry)))
    }
    return replace(case, log={**case.log, **added}) if added else case


def _is_news(entry: Entry, known: Entry | None) -> bool:
    """Whether the entry is to be kept instead of *known*: of two that are one fact, the one recorded later."""
    if known is None or known == entry:
        return known is None
    return (entry.rec or entry.at, canonical(entry)) > (known.rec or known.at, canonical(known))


def _with_outcome(case: CollectionCase, event: Event) -> CollectionCase:
    known = case.log.get(permit_key(outcomes.permit_of(event.data)))
    if known is None:
        found = outcomes.without_leave(event.data, event.time)
        return case if found is None else replace(case, log={**case.log, key_of(found): found})
    result = outcomes.result_of(event.data)
    if not result:
        return case
    occurred_at = getattr(event.data, "occurred_at", None) or event.time
    after = outcomes.with_outcome(known, result, occurred_at)
    return case if after == known else replace(case, log={**case.log, key_of(after): after})


def entries(case: CollectionCase, customer_id: str) -> Iterator[Entry]:
    """Answer all that the gate knows of the customer: the log, and the points of the record that works or not."""
    yield from reading.completed(case.log.values(), tuple(sorted(case.accounts)))
    customer = case.customer
    if customer is None:
        return
    for point_id, point in customer.points.items():
        if point.kind != "mobile" or point.party != "debtor":  # a friend's number reaches no debtor
            continue
        known = Entry(
            id=point_id, src="record", type="point.known", at=customer.time, kind="mobile",
            person=customer_id, point=point_id,
        )  # fmt: skip
        yield known
        found_at = case.invalid.get(point_id)
        if found_at is not None and found_at >= customer.time:
            yield replace(known, id=f"{point_id}/invalid", type="point.invalidated", at=found_at)


def opted_out_points(case: CollectionCase) -> frozenset[str]:
    """Answer the points that the customer took back: of their words on a point the latest, of two at once the refusal."""
    latest: dict[str, Entry] = {}
    for entry in case.log.values():
        if entry.type in {"optout", "optin"} and entry.scope == "point":
            known = latest.get(entry.point, entry)
            latest[entry.point] = max(
                known, entry, key=lambda each: (each.at, each.type == "optout")
            )
    return frozenset(point for point, entry in latest.items() if entry.type == "optout")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back rules look at contacts: days by what they count; `streaks`: facts follow from calls in a row."""

    spans: tuple[tuple[Match, int], ...]
    streaks: bool

    @classmethod
    def of(cls, packs: tuple[Pack, ...]) -> "Reach":
        """Read the reach of all rules of *packs*."""
        counted = [
            rule for pack in packs for rule in pack.rules if isinstance(rule, Cap | Cooldown)
        ]
        spans = {
            (rule.count, rule.within.days)
            if isinstance(rule, Cap)
            else (rule.after, most_days(rule.for_.days, rule.for_.mode))
            for rule in counted
        }
        ordered = sorted(spans, key=lambda each: (each[1], canonical(each[0])))
        return cls(tuple(ordered), any(pack.derive for pack in packs))


def pruned(case: CollectionCase, now: datetime, reach: Reach, forget_days: int) -> CollectionCase:
    """
    Drop the contacts that no rule can count any more, and releases of holds that nobody remembers.

    What is no contact (consents, opt-outs, holds, notices) is kept for good, as is what may outlive any window:
    calls that may tell that a debtor is unreachable, conversations while a consent waits for the next one.
    """
    since = now - AT_LEAST
    if all(entry.at >= since for entry in case.log.values()):
        return case
    talks = any(entry.type == "consent" for entry in case.log.values())
    begun = {entry.case for entry in case.log.values() if entry.type in reading.ENDS_OF}
    forgotten = now - timedelta(days=forget_days)

    def is_over(entry: Entry) -> bool:
        if entry.type == reading.RELEASED:
            return entry.case not in begun and entry.at < forgotten
        if entry.type != "contact" or entry.at >= since:
            return False
        if (reach.streaks and entry.channel == "call") or (talks and entry.result == "effective"):
            return entry.at < now - LONGEST
        return not any(
            (days > LONGEST.days or entry.at >= now - timedelta(days=days + 2))
            and _may_match(match, entry)
            for match, days in reach.spans
        )

    log = {key: entry for key, entry in case.log.items() if not is_over(entry)}
    return replace(case, log=log) if len(log) < len(case.log) else case


def _may_match(match: Match, entry: Entry) -> bool:
    """Whether the rule may count the entry, whatever its result will be."""
    return (
        match.channel in {"", entry.channel}
        and (not match.channel_in or entry.channel in match.channel_in)
        and (not match.direction or entry.direction in {"", match.direction})
        and (not match.party or entry.party in {"", match.party})
        and (not match.purpose or entry.purpose in {"", match.purpose})
    )
