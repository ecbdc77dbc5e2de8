"""Say in a sentence what a rule demands and where it comes from, for the person who signs a pack off."""

from collections.abc import Iterable

from shared.compliance.pack import Pack
from shared.compliance.rules import (
    Allowed,
    AnyRule,
    Cap,
    ClockRule,
    Conduct,
    Content,
    Cooldown,
    DeclaredWindow,
    Fresh,
    Hold,
    Match,
    OptOut,
    Party,
    Precondition,
    Span,
    Validity,
    When,
    Window,
)

_CHANNELS = {
    "sms": "text message",
    "email": "e-mail",
    "im": "instant message",
    "voicemail": "voicemail",
}
_SPANS = {
    "local_dates": "",
    "inclusive_first_day": ", the first day counted",
    "exclude_first_day": ", the first day not counted",
    "cn_civil_code": ", the first day not counted, a last day of rest moved to the next working day",
    "business_days": " of work",
    "uk_not_before": ", free on the last of them",
    "after_end": ", free on the day after",
}
_LEVELS = {
    "point": "the person opted this number or address out",
    "channel": "the person opted this channel out",
    "consent_topic": "the person withdrew consent to this topic, or to the caller",
    "caller": "the person opted the caller out",
}


def demand(rule: AnyRule) -> str:
    """Answer what *rule* demands, to whom it applies first."""
    exceptions = [
        *([f"with live consent to {rule.unless_consent}"] if rule.unless_consent else []),
        *([f"for {_or(rule.unless_purpose)}"] if rule.unless_purpose else []),
    ]
    unless = f", but {' or '.join(exceptions)}" if exceptions else ""
    review = "; only a flag for review" if rule.effect == "review" else ""
    return f"{_when(rule.when)}{_body(rule)}{unless}{review}"


def origin(rule: AnyRule) -> str:
    """Answer where *rule* comes from, how binding it is, and how well we know it."""
    where = ", ".join([*rule.source, *([rule.cite] if rule.cite else [])]) or "the bank's own"
    return f"{where}; {rule.strength}; evidence {rule.evidence}"


def in_force(validity: Validity | None) -> str:
    """Answer when something is in force."""
    if validity is None or (validity.from_ is None and validity.to is None):
        return "always"
    first = f"from {validity.from_}" if validity.from_ else ""
    return f"{first} {f'to {validity.to}' if validity.to else ''}".strip()


def applies_to(pack: Pack) -> str:
    """Answer whom *pack* is for."""
    return "; ".join(f"{name} {_or(values)}" for name, values in pack.select.items()) or "everyone"


def _body(rule: AnyRule) -> str:
    match rule:
        case Window():
            return _window(rule)
        case DeclaredWindow():
            return "not at times that the person called inconvenient"
        case Cap():
            per = f" per {' and '.join(rule.per)}" if rule.per else ""
            outside = (
                f" (those under consent to {rule.exclude_consent} not counted)"
                if rule.exclude_consent
                else ""
            )
            return (
                f"at most {rule.max} of {_match(rule.count)}{per} in {_span(rule.within)}{outside}"
            )
        case Cooldown():
            per = f" with the same {' and '.join(rule.per)}" if rule.per else ""
            return f"none for {_span(rule.for_)} after {_match(rule.after)}{per}"
        case Party():
            return f"only to {'; '.join(_allowed(each) for each in rule.allow)}"
        case _:
            return _of_facts(rule)


def _of_facts(
    rule: Hold | OptOut | Fresh | Precondition | Content | Conduct | ClockRule,
) -> str:
    match rule:
        case Hold():
            return _hold(rule)
        case OptOut():
            return f"none once {_LEVELS[rule.level]}{_but(rule.permits)}"
        case Fresh():
            same = " of this number" if rule.per_point else ""
            return f"only within {rule.max_age_days} days after {_or(rule.any_event)}{same}"
        case Precondition():
            span = _span(Span(days=rule.min_days, mode=rule.mode))
            waited = f" and {span} have run" if rule.min_days else ""
            return f"only after {rule.needs}{waited}"
        case Content():
            must = f"the text bears {' and '.join(rule.must)}" if rule.must else ""
            never = f"nothing of {', '.join(rule.must_not)}" if rule.must_not else ""
            return "; ".join(filter(None, (must, never)))
        case Conduct():
            facts = (
                f"{name.removesuffix('_min')} at least {value}"
                if name.endswith("_min")
                else name
                if value is True
                else f"{name} is {value}"
                for name, value in rule.require.items()
            )
            return f"only with {' and '.join(facts)}"
        case ClockRule():
            return f"only {'after' if rule.while_expired else 'while'} {rule.clock} {'is over' if rule.while_expired else 'runs'}"


def _window(rule: Window) -> str:
    where = f" in {_or(rule.zones)}" if rule.zones else " local time"
    hours = (
        f"none {' and '.join(rule.deny_local)}{where}"
        if rule.deny_local
        else f"only {' and '.join(rule.allow_local)}{where}"
    )
    if rule.guard is None:
        return hours
    return (
        f"{hours}, {rule.guard.after_opening} min after opening to {rule.guard.before_closing} min "
        "before closing"
    )


def _hold(rule: Hold) -> str:
    end = "for ever" if rule.ends == "never" else f"until {rule.ends}"
    if rule.duration_days is not None:
        end += f", at most {rule.duration_days} days"
    parties = f" and to {_or(rule.except_party)}" if rule.except_party else ""
    same = " of the same case" if rule.correlate else ""
    return (
        f"none about this {rule.scope} from {rule.starts} {end}{same}{_but(rule.permits)}{parties}"
    )


def _when(when: When) -> str:
    parts = [
        _or(_CHANNELS.get(each, each) for each in when.channel_in),
        f"to {_or(when.party_in)}" if when.party_in else "",
        f"to {_or(when.purpose_in)}" if when.purpose_in else "",
        f"by {_or(when.voice_in)} voice" if when.voice_in else "",
        "or dialled automatically" if when.or_autodialed else "",
        f"by a {_or(when.role_in)}" if when.role_in else "",
        f"for {_or(when.creditor_kind_in)}" if when.creditor_kind_in else "",
        f"about {_or(when.product_in)}" if when.product_in else "",
        f"before the act {_or(when.action_in)}" if when.action_in else "",
        f"when the limitation is {when.limitation}" if when.limitation else "",
    ]
    words = " ".join(filter(None, parts))
    return f"{words}: " if words else ""


def _match(match: Match) -> str:
    parts = [
        {"out": "outgoing", "in": "incoming"}.get(match.direction, ""),
        match.channel or _or(match.channel_in) or "contacts",
        f"to {match.party}" if match.party else "",
        f"to {match.purpose}" if match.purpose else "",
        f"that were {_or(match.result_in)}" if match.result_in else "",
        f"that were not {_or(match.result_not_in)}" if match.result_not_in else "",
    ]
    return " ".join(filter(None, parts))


def _span(span: Span) -> str:
    return f"{span.days} day{'' if span.days == 1 else 's'}{_SPANS[span.mode]}"


def _allowed(allowed: Allowed) -> str:
    return " ".join(
        filter(
            None,
            (
                allowed.party,
                f"to {_or(allowed.purpose_in)}" if allowed.purpose_in else "",
                f"if {allowed.if_}" if allowed.if_ else "",
                f"while {allowed.if_clock_live} runs" if allowed.if_clock_live else "",
            ),
        )
    )


def _but(permits: tuple[str, ...]) -> str:
    return f", but {_or(permits)}" if permits else ""


def _or(values: Iterable[str]) -> str:
    return ", ".join(values)
