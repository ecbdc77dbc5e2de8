"""Put what is to be done into the gate's words: one Proposal for each kind of debt that the contact is about. Pure."""

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from shared.compliance.proposal import Proposal
from shared.permits.reading import gate_channel
from shared.permits.running import Periods, Terms

NONE = "none"
"""A field that the record has no value for, where that is known: it selects no pack, and is no missing fact."""
_WITH_STATES = frozenset({"US"})
"""Countries whose states have rules of their own: there a record without a state is a missing fact."""
_WITH_CITIES = frozenset({"", "NY"})
"""Such states whose cities have rules of their own, as an unknown one may: there a record without a city misses it."""
_PEOPLE = frozenset({"debtor", "co_debtor"})
NO_PERIODS = Periods((), {})
"""Nobody asks for a legal period; a rule that does misses a fact."""


class Whom(msgspec.Struct, frozen=True, kw_only=True):
    """
    The customer: the zones of the record (IANA names), and whose law applies.

    A `region` stands for the city where the record names none, but where cities have rules of their own.
    """

    customer_id: str
    zones: tuple[str, ...] = ()
    country: str = ""
    state: str = ""
    region: str = ""
    language: str = ""
    city: str = ""


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """The contact point, whose it is ("" where nobody knows), its own zones, and its place (home, work; "" likewise)."""

    point_id: str
    party: str = ""
    zones: tuple[str, ...] = ()
    place: str = ""


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """An account that the contact is about; what its record does not say is "" . `terms` are its legal periods'."""

    account_id: str
    product: str = ""
    creditor: str = ""
    role: str = ""
    creditor_kind: str = ""
    terms: Terms = Terms()


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """
    How it is done: by whom (`collector`), with which text (`tags`) and conduct; `channel` is one of the bus.

    An `action` (issue_claim, enforce ...) is no contact: it has no channel.
    """

    channel: str
    purpose: str
    collector: str
    action: str = ""
    voice: str = ""
    autodialled: bool = False
    tags: frozenset[str] = frozenset()
    conduct: dict[str, Any] = {}
    contacted: str = ""
    place: str = ""
    topic: str = ""
    language: str = ""


def proposals(
    at: datetime,
    whom: Whom,
    where: Where,
    debts: Iterable[Debt],
    act: Act,
    periods: Periods = NO_PERIODS,
) -> tuple[Proposal, ...]:
    """
    Answer what is proposed for the instant *at*: all of it must be allowed.

    Debts of one product, creditor (and its kind) and role make one proposal; without a debt there is one about none.
    """
    kinds: dict[tuple[str, str, str, str], list[Debt]] = {}
    for debt in debts:
        key = (debt.product, debt.creditor, debt.role, debt.creditor_kind)
        kinds.setdefault(key, []).append(debt)
    third = where.point_id if where.party and where.party not in _PEOPLE else ""
    states = whom.country in _WITH_STATES or not whom.country
    cities = whom.country in _WITH_STATES and whom.state in _WITH_CITIES
    nowhere = "" if not whom.country else NONE
    common = Proposal(
        at=at,
        channel=gate_channel(act.channel),
        voice=act.voice if act.channel == "call" else "",
        autodialled=act.autodialled and act.channel in {"call", "sms"},
        purpose=act.purpose,
        action=act.action,
        party=where.party,
        person=whom.customer_id,
        contacted=act.contacted or third,
        point=where.point_id,
        place=act.place or where.place,
        topic=act.topic,
        collector=act.collector,
        zones=whom.zones + tuple(zone for zone in where.zones if zone not in whom.zones),
        tags=act.tags,
        conduct=act.conduct,
        debtor_country=whom.country,
        debtor_state=whom.state or ("" if states else NONE),
        debtor_city=whom.city or ("" if cities else whom.region or nowhere),
        region=whom.region or nowhere,
        language=act.language or whom.language,
    )
    return tuple(
        periods.told(
            replace(
                common,
                debts=tuple(sorted(debt.account_id for debt in kind)),
                product=product,
                creditor=creditor,
                role=role,
                creditor_kind=creditor_kind,
            ),
            [debt.terms for debt in kind],
        )
        for (product, creditor, role, creditor_kind), kind in sorted(
            kinds.items() or [(("", "", "", ""), [])], key=itemgetter(0)
        )
    )
