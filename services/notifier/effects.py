"""Turn a claimed contact into the provider's request: look up the value, render the text; no rules here."""

from typing import Any

from services.notifier.policy import NotifierPolicy
from services.notifier.templates import Texts
from shared.messaging.effects import ClaimedEffect
from shared.providers import ProviderRequest, VaultReader

_TEXTS = Texts(NotifierPolicy())


async def prepare(
    effect: ClaimedEffect, vault: VaultReader, *, texts: Texts = _TEXTS
) -> ProviderRequest | None:
    """
    Answer what to hand to the channel of *effect*, or None while the vault lacks the contact's value.

    What a person wrote is opened here, and None as well for a customer who was forgotten meanwhile.

    An e-mail's content is {subject, text}, a call's {script}, any other's {text}; all name their
    language and template. Raises as Texts.render does.
    """
    to = await vault.value(effect.customer_id, effect.request["point_id"])
    if to is None:
        return None
    values = {**effect.request, "addressee": to}
    if "content" in values:
        sealed, message_id = values["content"], values["message_id"]
        note = await vault.sentence(effect.customer_id, message_id, sealed)
        if note is None:
            return None
        values["note"] = note
    text = texts.render(values)
    content: dict[str, Any] = {
        "language": effect.request["language"],
        "template": effect.request["template"],
    }
    match effect.kind:
        case "contact.email":
            subject, _, body = text.partition("\n")
            content |= {"subject": subject, "text": body.strip()}
        case "contact.call":
            content["script"] = text
        case _:
            content["text"] = text
    return ProviderRequest(
        kind=effect.kind,
        to=to,
        content=content,
        template=effect.request["template"],
        version=texts.version(effect.request),
    )
