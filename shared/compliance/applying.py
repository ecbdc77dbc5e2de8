"""To which proposals packs and rules apply; and the rules that need neither log nor time: content and conduct."""

from datetime import datetime
from typing import Any

from shared.compliance.asked import FREE, STUCK, Ask, Fixed, State
from shared.compliance.instants import FAR
from shared.compliance.pack import Pack
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Conduct, Content, Hold, OptOut, Rule

_LEAST = "_min"
EU = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "EU", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
"""Member states (ISO 3166-1); a pack that selects `EU` means debtors in any of them."""


def selects(pack: Pack, p: Proposal) -> bool:
    """Tell whether *pack* is for this proposal; a field of it that the proposal lacks does not exclude."""
    for field, values in pack.select.items():
        value = getattr(p, field, "")
        if not value or value in values:
            continue
        if not (field == "debtor_country" and "EU" in values and value in EU):
            return False
    return True


def applies(rule: Rule, p: Proposal) -> str | None:
    """
    Tell whether *rule* is for this proposal: "" yes, None no, else the name of the fact without which nobody knows.

    Unknown role, purpose (of a contact), voice (of a call) and limitation (of a text that must not be sent on expired debt)
    do not excuse; any other field that the proposal lacks does: it is not of that kind (ADR 0017).
    """
    when = rule.when
    if _spares(rule, p) or not all(
        not values or value in values
        for value, values in (
            (p.channel, when.channel_in),
            (p.party, when.party_in),
            (p.action, when.action_in),
            (p.product, when.product_in),
            (p.creditor_kind, when.creditor_kind_in),
        )
    ):
        return None
    unknown = ""
    for value, values, name, matters in (
        (p.purpose, when.purpose_in, "purpose", bool(p.channel)),
        (p.role, when.role_in, "role", True),
        (
            p.voice,
            () if when.or_autodialed and p.autodialled else when.voice_in,
            "voice",
            p.channel == "call",
        ),
        (
            p.limitation,
            (when.limitation,) if when.limitation else (),
            "limitation",
            isinstance(rule, Content) and not p.tags.isdisjoint(rule.must_not),
        ),
    ):
        if not values or value in values:
            continue
        if value or not matters:
            return None
        unknown = unknown or name
    return unknown


def _spares(rule: Rule, p: Proposal) -> bool:
    """Tell whether *rule* lets this purpose, party or place pass, whatever happened."""
    if p.purpose and p.purpose in rule.unless_purpose:
        return True
    if isinstance(rule, Hold | OptOut) and p.purpose and p.purpose in rule.permits:
        return True
    return isinstance(rule, Hold) and (
        (p.party != "" and p.party in rule.except_party)
        or (rule.scope == "place_work" and p.place != "work")
    )


def content_rule(rule: Content, p: Proposal) -> Fixed | None:
    """Answer a block where a required tag is missing or a forbidden one present, else none."""
    if all(tag in p.tags for tag in rule.must) and p.tags.isdisjoint(rule.must_not):
        return None
    return Fixed("")


class ConductRule:
    """Facts about the act and the actor: one that is unknown, or not as required, blocks."""

    __slots__ = ("_require",)

    def __init__(self, rule: Conduct) -> None:
        self._require = tuple(rule.require.items())

    def state(self, ask: Ask, t: datetime) -> State:  # noqa: ARG002
        conduct = ask.proposal.conduct
        state = FREE
        for name, wanted in self._require:
            value = conduct.get(name.removesuffix(_LEAST))
            if value is None:
                return name.removesuffix(_LEAST), FAR
            if not _meets(value, wanted, least=name.endswith(_LEAST)):
                state = STUCK
        return state


def _meets(value: Any, wanted: bool | int | str, *, least: bool) -> bool:
    """Compare strictly: true is not 1, and "2" is no number of persons."""
    if least:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and isinstance(wanted, int) and value >= wanted
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def obligations(rule: Rule) -> tuple[str, ...]:
    """Answer what an applicable rule asks of the contact: `tag:<tag>` of the text, `conduct:<fact>=<value>` of the act."""
    match rule:
        case Content():
            return tuple(f"tag:{tag}" for tag in rule.must)
        case Conduct():
            return tuple(
                f"conduct:{name}={str(value).lower() if isinstance(value, bool) else value}"
                for name, value in rule.require.items()
            )
        case _:
            return ()
