"""Turn a claimed visit order into what the field staff get: look up the address, write the order; no rules here."""

from pathlib import Path
from zoneinfo import ZoneInfo

from services.visits.policy import VisitPolicy
from shared.messaging.effects import ClaimedEffect
from shared.providers import ProviderRequest, VaultReader
from shared.texts import Templates, day, money

_TEMPLATES = Templates(Path(__file__).parent / "templates")
_POLICY = VisitPolicy()


async def prepare(
    effect: ClaimedEffect, vault: VaultReader, *, policy: VisitPolicy = _POLICY
) -> ProviderRequest | None:
    """Answer the order for the two members of staff, or None while the vault lacks the address."""
    request = effect.request
    address = await vault.value(effect.customer_id, request["point_id"])
    if address is None:
        return None
    language = policy.staff_language
    where = ZoneInfo(request.get("time_zone") or policy.business_zone)
    values = {
        "attempt": request["attempt"],
        "visit_on": day(request["visit_on"], language),
        "opens": f"{effect.not_before.astimezone(where):%H:%M}",
        "closes": f"{effect.not_after.astimezone(where):%H:%M}",
        "time_zone": where.key,
        "reference": request["visit_id"],
        "address": address,
        "staff": request["staff"],
        "identity_card": request["identity_card"],
        "dpd": request["dpd"],
        "amounts": [
            money(amount["amount_minor"], amount["currency"], language)
            for amount in request["overdue"]
        ],
    }
    content = {
        "visit_id": request["visit_id"],
        "visit_on": request["visit_on"],
        "not_before": effect.not_before.isoformat(),
        "not_after": effect.not_after.isoformat(),
        "staff": request["staff"],
        "identity_card": request["identity_card"],
        "address": address,
        "language": language,
        "text": _TEMPLATES.render(language, "visit.order", values),
    }
    return ProviderRequest(
        kind=effect.kind,
        to=",".join(request["staff"]),
        content=content,
        template="visit.order",
        version=_TEMPLATES.version(language, "visit.order"),
    )
