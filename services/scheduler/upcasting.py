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
