"""Bring stored cases of older versions up to date: plain JSON in, plain JSON out."""

from typing import Any

_LONG_AGO = "1970-01-01T00:00:00Z"
"""When a word of the customer was given of which an older version kept no time: any later word counts."""


def with_log(case: dict[str, Any]) -> dict[str, Any]:
    """
    Version 1 to 2: opt-outs and inconvenient times become entries of the gate's log.

    Contacts made before are not known to it. A contact under way has no permit yet: the notifier refuses it, and the
    scheduler derives it anew.
    """
    case = dict(case)
    log: dict[str, Any] = {}
    for said in case.pop("opt_outs", ()):
        scope, _, name = said.partition(":")
        if scope == "channel":
            name = "im" if name == "wechat" else name
        log[f"version-1 {said}"] = {
            "id": said, "src": "version-1", "type": "optout", "at": _LONG_AGO, "scope": scope, scope: name,
        }  # fmt: skip
    for key, windows in case.pop("inconvenient", {}).items():
        for number, window in enumerate(windows):
            this_id = f"{key}/{number}"
            log[f"version-1 {this_id}"] = {
                "id": this_id, "src": "version-1", "type": "inconvenient.declared", "at": _LONG_AGO,
                "local": [f"{window['start'][:5]}-{window['end'][:5]}"],
                "weekdays": window.get("days", []),
            }  # fmt: skip
    for step in case.get("open", {}).values():
        step.pop("ways", None)
    return {**case, "log": log} if log else case


def with_mergers(case: dict[str, Any]) -> dict[str, Any]:
    """Version 1 to 2: a merger was only a hold; now the case that ended hands over, and the other waits for that."""
    pairs = [pair.partition(">") for pair in case.pop("merged", ())]
    told = [
        {"ended": ended, "survivor": survivor, "time": _LONG_AGO, "id": ""}
        for ended, _, survivor in pairs
    ]
    return {**case, "mergers": told} if told else case


def to_version_2(case: dict[str, Any]) -> dict[str, Any]:
    """Version 1 to 2."""
    return with_mergers(with_log(case))
