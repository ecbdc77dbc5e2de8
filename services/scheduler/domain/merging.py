"""Two records were one person: the case that ended hands over all it knows, the survivor goes on with it (ADR 0019).

A case that ended stays idle, and hands on whatever still arrives. Facts go over by business key, so repeats and any order
agree; what was under way (steps, follow-ups, the episode) does not: it is cancelled, and the survivor derives anew.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from services.scheduler.domain import joining
from services.scheduler.domain.state import (
    Account,
    CollectionCase,
    Halt,
    Merger,
    Point,
    Promise,
    Stored,
)
from shared.canonical import digest
from shared.compliance.entries import Entry
from shared.decision import Publish
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event
from shared.events.scheduler import CaseMerged

KEYED = ("accounts", "promises", "halts", "spent", "bankrupt", "log")
"""The fields of a case that hold facts by business key; they go over one by one."""
WHOLE = ("deceased", "mergers", "heard_of")
"""The fields that go over as a whole."""


class Facts(Stored, frozen=True):
    """
    What goes over: as it stands in the state of the case that ended, by business key.

    `log` is the gate's: contacts, opt-outs, consents ..., with core banking's word that the two are one person.
    `points` are those of its record, without values: nobody is reached by them, as the values are sealed for the
    customer that ended; core banking tells the survivor's.
    """

    accounts: dict[str, Account] = {}
    promises: dict[str, Promise] = {}
    halts: dict[str, Halt] = {}
    spent: dict[str, datetime] = {}
    bankrupt: dict[str, tuple[datetime, bool]] = {}
    log: dict[str, Entry] = {}
    deceased: tuple[datetime, bool] | None = None
    mergers: tuple[Merger, ...] = ()
    heard_of: tuple[str, ...] = ()
    points: dict[str, Point] = {}


def survivors(mergers: Iterable[Merger]) -> dict[str, str]:
    """
    Answer who goes on for whom, by the customer that ended: all whom mergers connect are one person, and one of them goes on.

    In their order: where the record that is said to end has ended already, the one in which it goes on ends; a merger
    between records that go on in one already says nothing new.
    """
    found: dict[str, str] = {}
    for merger in sorted(mergers, key=_place):
        ended = _last(found, merger.ended)
        if ended != _last(found, merger.survivor):
            found[ended] = merger.survivor
    return found


def _last(found: dict[str, str], name: str) -> str:
    while name in found:
        name = found[name]
    return name


def survivor_of(case: CollectionCase, customer_id: str) -> str:
    """Answer who goes on for this customer; "" while the customer goes on."""
    return survivors(case.mergers).get(customer_id, "") if case.mergers else ""


def awaited(case: CollectionCase, customer_id: str) -> tuple[str, ...]:
    """
    Name the ended customers of whom nothing has been handed over yet, though they go on in this one at last.

    Until then nobody knows what they were told today: no contact is made. Of one that goes on in another which ended
    itself, that one hands over, and says of whom it heard.
    """
    if not case.mergers:
        return ()
    found = survivors(case.mergers)
    return tuple(
        name
        for name in sorted(found.keys() - {*case.heard_of})
        if _last(found, name) == customer_id
    )


def told(case: CollectionCase, data: CustomerMerged, event: Event) -> CollectionCase:
    """Note the merger, at both cases."""
    merger = Merger(
        ended=data.from_customer_id, survivor=data.customer_id, time=event.time, id=event.id
    )
    return _with_mergers(case, (merger,))


def taken_over(case: CollectionCase, data: CaseMerged, _: Event) -> CollectionCase:
    """
    Take over what an ended case hands on.

    A person who had closed this case did not know of accounts that come with it: those are pursued.
    """
    facts = msgspec.convert(data.facts, Facts)
    spent = joining.by_key(case.spent, facts.spent, min)
    own, closure = case.accounts, case.closure
    if closure is not None and facts.accounts.keys() - own.keys():
        own, closure = _given_up(case, own), None
    known = replace(
        _with_mergers(case, facts.mergers),
        accounts=joining.by_key(own, facts.accounts, joining.accounts),
        closure=closure,
        promises=_left(joining.by_key(case.promises, facts.promises, joining.either), spent),
        halts=_left(joining.by_key(case.halts, facts.halts, joining.either), spent),
        spent=spent,
        bankrupt=joining.by_key(case.bankrupt, facts.bankrupt, max),
        log=joining.by_key(case.log, facts.log, joining.entries),
        deceased=joining.latest(case.deceased, facts.deceased),
        heard_of=tuple(sorted({*case.heard_of, *facts.heard_of, data.from_customer_id})),
    )
    return case if known == case else known


def noted(before: CollectionCase, after: CollectionCase) -> CollectionCase:
    """Note what a fact changed in a case that has handed over already: that goes on as well."""
    if not any(after.handed.values()):
        return after
    changed = {
        f"{name}/{key}"
        for name in KEYED
        for key, value in getattr(after, name).items()
        if getattr(before, name).get(key) != value
    }
    changed |= {name for name in WHOLE if getattr(before, name) != getattr(after, name)}
    if before.closure != after.closure:
        changed |= {f"accounts/{key}" for key in after.accounts}
    if changed <= {*after.to_hand}:
        return after
    return replace(after, to_hand=tuple(sorted({*after.to_hand, *changed})))


def hand_over(case: CollectionCase, customer_id: str) -> tuple[CollectionCase, list[Publish]]:
    """
    Hand over what was not yet: everything at first, then what changed; answers the case and what is to be said.

    Who was named as survivor and is not the heir is told so, by the mergers: another record goes on there, or ended there.
    """
    named = {each.survivor for each in case.mergers if each.ended == customer_id}
    heir = survivor_of(case, customer_id)
    if not (named or heir):
        return case, []
    said, handed = [], dict.fromkeys(case.handed, False)
    for other in sorted({*named, heir} - {""}):
        if other == heir and not case.handed.get(other):
            said.append(_said(customer_id, other, _everything(case)))
        elif other == heir and case.to_hand:
            said.append(_said(customer_id, other, _changed(case)))
        elif other != heir and other not in case.handed:
            said.append(_said(customer_id, other, Facts(mergers=case.mergers)))
        handed[other] = other == heir
    if handed == case.handed and not said:
        return case, []
    return replace(case, handed=handed, to_hand=()), said


def _everything(case: CollectionCase) -> Facts:
    points = case.customer.points if case.customer is not None else {}
    facts = Facts(points=points, **{name: getattr(case, name) for name in (*KEYED, *WHOLE)})
    return replace(facts, accounts=_given_up(case, case.accounts))


def _changed(case: CollectionCase) -> Facts:
    changed: dict[str, Any] = {name: getattr(case, name) for name in case.to_hand if name in WHOLE}
    for place in case.to_hand:
        name, _, key = place.partition("/")
        if name in KEYED and key in (known := getattr(case, name)):
            changed.setdefault(name, {})[key] = known[key]
    facts = Facts(**changed)
    return replace(facts, accounts=_given_up(case, facts.accounts))


def _given_up(case: CollectionCase, accounts: dict[str, Account]) -> dict[str, Account]:
    """A person's closing is about what the ended customer owed: it goes over with those accounts."""
    if case.closure is None:
        return accounts
    return {
        key: replace(account, given_up_at=joining.latest(account.given_up_at, case.closure))
        for key, account in accounts.items()
    }


def _said(customer_id: str, other: str, facts: Facts) -> Publish:
    data = CaseMerged(
        customer_id=other, from_customer_id=customer_id, facts=msgspec.to_builtins(facts)
    )
    return Publish(f"{other}/{digest(data)}", data, key=other)


def _with_mergers(case: CollectionCase, told: Iterable[Merger]) -> CollectionCase:
    """Add mergers; one that is told again under another id is known by its earliest telling."""
    earliest: dict[tuple[str, str], Merger] = {}
    for merger in sorted((*case.mergers, *told), key=_place):
        if merger.ended != merger.survivor:
            earliest.setdefault((merger.ended, merger.survivor), merger)
    mergers = tuple(sorted(earliest.values(), key=_place))
    return case if mergers == case.mergers else replace(case, mergers=mergers)


def _left(known: dict[str, Any], spent: dict[str, datetime]) -> dict[str, Any]:
    """Answer what is not over: an end wins for ever."""
    if known.keys().isdisjoint(spent):
        return known
    return {key: value for key, value in known.items() if key not in spent}


def _place(merger: Merger) -> tuple[Any, ...]:
    return (merger.time, merger.id, merger.ended, merger.survivor)
