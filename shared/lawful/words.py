"""The proof of one contact, rule by rule: what applied, how it was met, and what was counted; in words and as JSON."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from shared.compliance.applying import applies, selects
from shared.compliance.counts import might_match
from shared.compliance.entries import Entry
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.pack import Pack
from shared.compliance.proposal import Proposal
from shared.compliance.rules import (
    AnyRule,
    Cap,
    ClockRule,
    Conduct,
    Content,
    Cooldown,
    DeclaredWindow,
    Fresh,
    Hold,
    OptOut,
    Party,
    Precondition,
    Window,
)
from shared.lawful.judging import Judged

_INDENT = "    "


class Met(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule that applied: whether it allowed as known then and as known now, and by what; `counted` are fact ids."""

    rule: str
    pack: str
    kind: str
    strength: str
    then: bool
    now: bool
    how: str
    counted: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The proof of one contact; instants in UTC, `local` by zone."""

    customer_id: str
    event_id: str
    kind: str
    finding: str
    why: str
    at: datetime
    local: dict[str, str]
    channel: str
    point_id: str
    purpose: str = ""
    party: str = ""
    debts: tuple[str, ...] = ()
    agency: str = ""
    permit: dict[str, Any] = {}
    packs: tuple[str, ...] = ()
    facts_then: str = ""
    facts_now: str = ""
    rules: tuple[Met, ...] = ()
    late: tuple[str, ...] = ()


class Prover:
    """Explains judgments by the packs of a gate."""

    def __init__(self, gate: Gate) -> None:
        self._alone = {
            (pack.pack, rule.id): Gate((replace(pack, rules=(rule,)),), gate.calendars)
            for pack in gate.packs
            for rule in pack.rules
        }
        self._packs = gate.packs

    def proof(self, judged: Judged, everything: tuple[Entry, ...], end: datetime) -> Proof:
        """Answer the proof of a contact; *everything* is the log as known now, at *end*."""
        made, proposals = judged.made, judged.proposals
        first = proposals[0] if proposals else None
        leave = made.leave
        permit = {} if leave is None else msgspec.to_builtins(leave.permit)
        if leave is not None:
            permit |= {"granted_at": _z(leave.granted_at)} | ({"by": leave.by} if leave.by else {})
        return Proof(
            customer_id=made.customer_id,
            event_id=made.event.id,
            kind=made.kind,
            finding=judged.finding,
            why=judged.why,
            at=made.at,
            local={
                name: f"{made.at.astimezone(ZoneInfo(name)):%Y-%m-%d %H:%M:%S}"
                for name in (first.zones if first else ())
            },
            channel=made.channel,
            point_id=made.point_id,
            purpose=first.purpose if first else "",
            party=first.party if first else "",
            debts=tuple(sorted({debt for each in proposals for debt in each.debts})),
            agency=made.agency,
            permit=permit,
            packs=judged.now[0].packs if judged.now else (),
            facts_then=judged.then[0].facts if judged.then else "",
            facts_now=judged.now[0].facts if judged.now else "",
            rules=tuple(self._rules(judged, everything, end)),
            late=tuple(sorted({entry.type for entry in judged.late})) if judged.rules else (),
        )

    def _rules(self, judged: Judged, everything: tuple[Entry, ...], end: datetime) -> Iterator[Met]:
        leave, now = judged.made.leave, Known(everything)
        then = Known(judged.known) if leave is not None else now
        known_at = leave.granted_at if leave is not None else max(end, judged.made.at)
        for p in (replace(each, at=judged.made.at) for each in judged.proposals):
            for pack in self._packs:
                if not selects(pack, p):
                    continue
                for rule in pack.rules:
                    if applies(rule, p) is None:
                        continue
                    alone = self._alone[pack.pack, rule.id]
                    how, counted = _how(rule, pack, p, then)
                    yield Met(
                        rule=rule.id,
                        pack=pack.name,
                        kind=str(type(rule).__struct_config__.tag),
                        strength=rule.strength,
                        then=alone.verdict(p, then, known_at).allowed,
                        now=alone.verdict(p, now, max(end, p.at)).allowed,
                        how=how,
                        counted=counted,
                    )


def lines(proof: Proof) -> Iterator[str]:
    """Say the proof in words."""
    where = "; ".join(f"{at} {zone}" for zone, at in proof.local.items()) or _z(proof.at)
    about = f"to {proof.party or 'whom nobody knows'} at {proof.point_id or 'no point'}"
    what = f"{proof.kind} by {proof.channel} {about}, {proof.purpose or 'no purpose'}"
    yield f"{proof.finding.upper().replace('_', ' ')}  {where}  ({_z(proof.at)})"
    yield f"{_INDENT}{what}, of {', '.join(proof.debts) or 'no debt'}"
    yield f"{_INDENT}{proof.why}"
    if proof.permit:
        permit = proof.permit
        yield (
            f"{_INDENT}leave {permit['permit_id']}, given {permit['granted_at']}"
            + (f" to {permit['by']}" if "by" in permit else "")
            + f", from {permit['not_before']} to {permit['not_after']}, facts {permit.get('facts', '')[:12]}"
        )
        yield f"{_INDENT}by {', '.join(permit.get('packs', ())) or 'no pack'}"
    for met in proof.rules:
        said = "met" if met.then and met.now else "met then, not now" if met.then else "NOT MET"
        counted = f" [{', '.join(met.counted)}]" if met.counted else ""
        yield f"{_INDENT}{said:<18} {met.rule:<24} {met.how}{counted}"


def _z(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def _how(rule: AnyRule, pack: Pack, p: Proposal, known: Known) -> tuple[str, tuple[str, ...]]:
    """Say by what the rule was met or not: what it looked at, and the facts that it counted."""
    zones = tuple(map(ZoneInfo, p.zones or ((pack.zones.default,) if pack.zones.default else ())))
    match rule:
        case Window():
            places = tuple(map(ZoneInfo, rule.zones)) or zones
            said = f"denied {', '.join(rule.deny_local)}" if rule.deny_local else (
                f"allowed {', '.join(rule.allow_local)}"
            )  # fmt: skip
            return f"it was {', '.join(f'{p.at.astimezone(z):%H:%M}' for z in places)}; {said}", ()
        case DeclaredWindow():
            declared = [e for e in known.of("inconvenient.declared") if e.at <= p.at]
            return f"{len(declared)} inconvenient times were declared", _ids(declared)
        case Cap():
            counted = list(_counted(rule, p, known, zones))
            days = "ever" if rule.within.days > 3650 else f"in {rule.within.days} local day(s)"  # noqa: PLR2004
            return f"{len(counted)} contacts that may count {days}, at most {rule.max}", _ids(
                counted
            )
        case Cooldown():
            before = [e for e in known.of("contact") if might_match(rule.after, e) and e.at <= p.at]
            last = f"the last one {_z(before[-1].at)}" if before else "there was none"
            return f"{rule.for_.days} days from a contact that counts: {last}", _ids(before[-1:])
        case Hold():
            starts = [e for e in known.of(rule.starts) if e.at <= p.at]
            ends = len([e for e in known.of(rule.ends) if e.at <= p.at])
            ended = (
                f", {ends} times {rule.ends}" if rule.ends != "never" else ", which nothing ends"
            )
            return f"{len(starts)} times {rule.starts}{ended}", _ids(starts)
        case OptOut():
            told = [e for e in (*known.of("optout"), *known.of("optin")) if e.at <= p.at]
            return f"{len(told)} opt-outs and opt-ins were known, level {rule.level}", _ids(told)
        case Fresh():
            proofs = [e for name in rule.any_event for e in known.of(name) if e.at <= p.at]
            newest = _z(max(e.at for e in proofs)) if proofs else "none"
            return f"newest of {', '.join(rule.any_event)}: {newest}", _ids(proofs[-1:])
        case Precondition():
            done = [e for e in known.of(rule.needs) if e.at <= p.at]
            return f"{rule.needs} {len(done)} times, and {rule.min_days} days ({rule.mode})", _ids(
                done
            )
        case _:
            return _fixed(rule, p), ()


def _fixed(rule: AnyRule, p: Proposal) -> str:
    """Say what a rule looked at that needs no log."""
    match rule:
        case Party():
            return f"{p.party or 'an unknown party'} for {p.purpose or 'no purpose'}"
        case Content():
            bears = sorted(set(rule.must) & p.tags)
            bad = sorted(set(rule.must_not) & p.tags)
            missing = sorted(set(rule.must) - p.tags)
            told = [
                *([f"bears {', '.join(bears)}"] if bears else []),
                *([f"lacks {', '.join(missing)}"] if missing else []),
                *([f"bears what is forbidden: {', '.join(bad)}"] if bad else []),
            ]
            return "; ".join(told) or "bears nothing that is forbidden"
        case Conduct():
            return ", ".join(
                f"{name}: {p.conduct.get(name.removesuffix('_min'), 'unknown')}"
                for name in rule.require
            )
        case ClockRule():
            return f"{rule.clock}: {p.clocks.get(rule.clock, 'unknown')}"
        case _:
            return ""


def _counted(rule: Cap, p: Proposal, known: Known, zones: tuple[ZoneInfo, ...]) -> Iterator[Entry]:
    """Name the contacts of the span that agree with the proposal in all that they say of the cap's keys."""
    for entry in known.of("contact"):
        if entry.at > p.at or not might_match(rule.count, entry) or _own(entry, p):
            continue
        if all(_agrees(key, entry, p, known) for key in rule.per) and any(
            (p.at.astimezone(zone).date() - entry.at.astimezone(zone).date()).days
            < rule.within.days
            for zone in zones
        ):
            yield entry


def _own(entry: Entry, p: Proposal) -> bool:
    return (entry.src, entry.id) == p.reservation


def _agrees(key: str, entry: Entry, p: Proposal, known: Known) -> bool:
    if key == "debt":
        return not entry.debts or not p.debts or bool(set(entry.debts) & set(p.debts))
    has, asked = getattr(entry, key), getattr(p, key)
    return not has or not asked or known.identity(has) == known.identity(asked)


def _ids(entries: list[Entry]) -> tuple[str, ...]:
    return tuple(entry.id for entry in entries)
