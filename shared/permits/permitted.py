"""Whether an effect has leave to go: what the worker asks of every contact, at its claim and at its hand-over. Pure.

The worker is the single exit. What a decider let through by mistake, and what somebody planted, ends here.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from shared.events.permits import Permit

NO_PERMIT: Final = "no_permit"
MISMATCH: Final = "permit_mismatch"
EXPIRED: Final = "expired"
PACKS_CHANGED: Final = "packs_changed"

_CHANNELS = {"visit.order": "visit", "legal.letter": "letter"}
_CONTACT = "contact."
_TO_A_COURT = "court."
_UNKNOWN = "unknown"
"""The channel of a kind of effect that nobody knows: no permit is for it, so it never leaves."""
LONGEST: Mapping[str, timedelta] = {
    "contact.sms": timedelta(hours=24),
    "contact.wechat": timedelta(hours=24),
    "contact.email": timedelta(hours=24),
    "contact.call": timedelta(hours=4),
}
"""How long a carrier, mail server or dialler may keep trying at most; letters travel for days."""


def channel_of(kind: str) -> str:
    """Answer by which channel an effect of *kind* reaches a person, "" if it goes to nobody (a court)."""
    if kind.startswith(_TO_A_COURT):
        return ""
    if kind.startswith(_CONTACT):
        return kind.removeprefix(_CONTACT)
    return _CHANNELS.get(kind, _UNKNOWN)


def carried(permit: Permit | None) -> dict[str, Any]:
    """Answer what an effect's request carries of its permit: plain JSON values under `permit`."""
    return {} if permit is None else {"permit": msgspec.to_builtins(permit)}


def permit_of(request: Mapping[str, Any]) -> Permit | None:
    """Read the permit that an effect's request carries; none if there is none, or none that can be read."""
    try:
        return msgspec.convert(request["permit"], Permit)
    except (KeyError, msgspec.ValidationError):
        return None


def refusal(
    kind: str, request: Mapping[str, Any], now: datetime, packs: Collection[str] | None
) -> str:
    """
    Answer why an effect must not leave at *now*, "" if it may, or may later (is_early).

    *packs* are the rule packs that this process has loaded, as name@version:digest; None: not compared.
    """
    channel = channel_of(kind)
    if not channel:
        return ""
    permit = permit_of(request)
    if permit is None:
        return NO_PERMIT
    if (permit.channel, permit.point_id) != (channel, request.get("point_id")):
        return MISMATCH
    if now >= permit.not_after:
        return EXPIRED
    if packs is not None and not set(permit.packs) <= set(packs):
        return PACKS_CHANGED
    return ""


def is_early(request: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether the permit's time has not come at *now*: then the effect waits."""
    permit = permit_of(request)
    return permit is not None and now < permit.not_before


def valid_until(
    kind: str, request: Mapping[str, Any], not_after: datetime, now: datetime
) -> datetime | None:
    """Answer from when on what is handed over at *now* must not be delivered any more; None: no limit."""
    longest = LONGEST.get(kind)
    if longest is None:
        return None
    permit = permit_of(request)
    ends = [not_after, now + longest, *([permit.not_after] if permit else [])]
    return min(ends)
