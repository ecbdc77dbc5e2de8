"""Turn a claimed legal effect into a letter or a court's form: look up the address, write the text; no rules here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.legal.policy import LegalPolicy
from shared.messaging.effects import ClaimedEffect
from shared.providers import ProviderRequest, VaultReader
from shared.texts import Templates, day, ending, money

_TEMPLATES = Templates(Path(__file__).parent / "templates")
_POLICY = LegalPolicy()


async def prepare(
    effect: ClaimedEffect, vault: VaultReader, *, policy: LegalPolicy = _POLICY
) -> ProviderRequest | None:
    """Answer the letter to the debtor, or the filing or application to the court.

    None while the vault lacks the address that a letter goes to and a claim names.
    """
    request = effect.request
    address = ""
    if "point_id" in request:
        found = await vault.value(effect.customer_id, request["point_id"])
        if found is None:
            return None
        address = found
    language = policy.court_language
    if effect.kind == "legal.letter":
        language = _TEMPLATES.language(request["language"], policy.letter_language)
    text = _TEMPLATES.render(
        language, effect.kind, _values(effect, request, address, language, policy)
    )
    content: dict[str, Any] = {"language": language, "text": text}
    if effect.kind != "legal.letter":
        facts = ("filing_id", "case_no", "court", "amount_minor", "currency")
        content |= {name: request[name] for name in facts if name in request}
    to = address if effect.kind == "legal.letter" else request["court"]
    return ProviderRequest(
        kind=effect.kind,
        to=to,
        content=content,
        template=effect.kind,
        version=_TEMPLATES.version(language, effect.kind),
    )


def _values(
    effect: ClaimedEffect,
    request: Mapping[str, Any],
    address: str,
    language: str,
    policy: LegalPolicy,
) -> dict[str, Any]:
    creditor = request["creditor"]
    values = {
        "address": address,
        "amount": money(request["amount_minor"], request["currency"], language),
        "creditor": policy.creditors.get(creditor, {}).get(language, creditor),
        "reference": effect.effect_id,
        "hotline": policy.hotline,
    }
    if "accounts" in request:
        values["accounts"] = [ending(account) for account in request["accounts"]]
        values["due"] = day(request["oldest_due_on"], language)
    names = ("court", "case_no", "reply_within_days")
    return values | {name: request[name] for name in names if name in request}
