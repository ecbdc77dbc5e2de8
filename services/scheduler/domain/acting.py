"""
Legal's acts before the gate: a claim is filed, and a judgment enforced, when no rule on such an act stands in the way.

Legal acts only on a follow-up that it asked for. So the gate is asked when that falls due: what is not lawful yet is due
later, at the gate's earliest instant or after an event, and `permit.refused` names the rules, once for each set of them.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from services.scheduler.domain import following, proposing
from services.scheduler.domain.gatekeeping import Ruling
from services.scheduler.domain.view import View
from shared.events.permits import PermitRefused

ACTS: Mapping[str, tuple[str, ...]] = {
    "legal.file": ("issue_claim", "enforce"),
    "legal.enforce": ("enforce",),
}
"""What a follow-up of this purpose leads to, in the words of the rules; in the strictest reading a claim enforces the debt."""
SECURITY = "enforce_security"
"""Enforcement of a debt with security may seize it."""
_KEY = "~act/"


def waits(view: View, follow_up_id: str, purpose: str) -> bool:
    """Tell whether rules stand before the act; then say which, and look again when they allow it."""
    accounts = proposing.accounts_of(view.contactable or view.overdue)
    if purpose not in ACTS or not accounts:
        return False
    actions = ACTS[purpose]
    if purpose == "legal.enforce" and any(view.case.accounts[each].secured for each in accounts):
        actions = (*actions, SECURITY)
    made = proposing.acts(view, accounts, actions)
    ruling = made if isinstance(made, Ruling) else view.keeper.judge(made) if made else None
    if ruling is None or ruling.allowed:
        return False
    if ruling.earliest is not None:
        view.wakes.append(ruling.earliest)
    key, rules = f"{_KEY}{follow_up_id}", ",".join(ruling.rules)
    told = view.case.refusals.get(key, ())
    if rules not in told:
        _say(view, follow_up_id, purpose, ruling, actions)
        view.case = replace(view.case, refusals={**view.case.refusals, key: (*told, rules)})
    return True


def _say(
    view: View, follow_up_id: str, purpose: str, ruling: Ruling, actions: tuple[str, ...]
) -> None:
    refused = PermitRefused(
        customer_id=view.customer_id,
        permit_id=following.permit_id(view.customer_id, follow_up_id, 0),
        step=purpose,
        reasons=ruling.reasons,
        earliest_next=ruling.earliest,
        inputs={
            "at": view.now.isoformat(),
            "actions": list(actions),
            "debts": list(proposing.accounts_of(view.contactable or view.overdue)),
            "follow_up_id": follow_up_id,
        },
        packs=ruling.packs,
        facts=ruling.facts,
    )
    view.say(f"{_KEY}{follow_up_id}/{','.join(ruling.rules)}", refused)


def forget(view: View) -> None:
    """Drop what was said of acts that nobody asks for any more."""
    case = view.case
    kept = {
        key: told
        for key, told in case.refusals.items()
        if not key.startswith(_KEY) or key.removeprefix(_KEY) in case.requests
    }
    if len(kept) < len(case.refusals):
        view.case = replace(case, refusals=kept)
