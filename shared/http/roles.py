"""Who may do what: the roles, the scopes of each, and which roles see only their own regions and portfolios.

The one table of rights. docs/operations/access.md holds it as a page; a test compares the two.
"""

from collections.abc import Iterable, Mapping

SCOPES: Mapping[str, str] = {
    "cases:read": "Read cases and their history; contact values stay masked",
    "cases:unmask": "See contact values in clear; each view is recorded",
    "worklist:read": "Read what is to be done",
    "outcomes:report": "Tell what became of an effect (webhooks of providers)",
    "commands:give": "Hold, release, note, close, report an outcome, take a promise",
    "declarations:take": "Take down what a customer declares: opt-out, dispute, inconvenient times",
    "acts:declare": "State what the bank did and learned: notices, plans, assessments, moratoria; place agencies",
    "quarantine:read": "Read what is in quarantine, and try what a release would decide",
    "quarantine:release": "Release or discard what is in quarantine",
    "controls:read": "Read stops and fuses",
    "controls:stop": "Stop contacts, resume them, release a fuse",
    "audit:read": "Read and verify the audit trail",
    "reconciliation:read": "Compare our overdue with core banking's statements",
    "contacts:export": "Export the contact log of a customer",
    "retention:run": "Run retention and forget a person",
    "metrics:read": "Read the metrics",
    "health:read": "Read the state of each check",
}
"""Scope -> what it allows. A route names one of these; an unknown one stops the start."""

ROLES: Mapping[str, frozenset[str]] = {
    "core_banking": frozenset({"reconciliation:read", "health:read"}),
    "provider": frozenset({"outcomes:report"}),
    "agent": frozenset({"cases:read", "worklist:read", "commands:give", "declarations:take"}),
    "field": frozenset({"cases:read", "worklist:read", "commands:give", "declarations:take"}),
    "legal": frozenset(
        {"cases:read", "worklist:read", "commands:give", "declarations:take", "acts:declare"}
        | {"contacts:export"}
    ),
    "compliance": frozenset(
        {
            "cases:read",
            "cases:unmask",
            "worklist:read",
            "commands:give",
            "declarations:take",
            "acts:declare",
            "controls:read",
            "controls:stop",
            "quarantine:read",
            "audit:read",
            "reconciliation:read",
            "contacts:export",
        }
    ),
    "operator": frozenset(
        {
            "cases:read",
            "worklist:read",
            "quarantine:read",
            "quarantine:release",
            "controls:read",
            "controls:stop",
            "reconciliation:read",
            "metrics:read",
            "health:read",
        }
    ),
    "auditor": frozenset(
        {
            "cases:read",
            "worklist:read",
            "quarantine:read",
            "controls:read",
            "audit:read",
            "reconciliation:read",
            "contacts:export",
            "health:read",
        }
    ),
    "admin": frozenset(
        {"controls:read", "controls:stop", "retention:run", "audit:read"}
        | {"metrics:read", "health:read"}
    ),
}
"""Role -> scopes. Nobody has all: who runs the system does not see contact values, who audits changes nothing."""

BOUNDED = frozenset({"agent", "field"})
"""Roles that see only the regions and portfolios that their token names; without any they see no case."""


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """Answer the scopes of *roles* together; a role that we do not know has none."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))
