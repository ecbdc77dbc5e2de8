"""Write down what is about to leave: by which text, in which version, and a hash of what was rendered.

It is saved before the hand-over, so whatever left can be told, after a crash too. The content itself is not
kept: the hash is keyed, because an address in it could be guessed.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.canonical import canonical
from shared.messaging.effects import ClaimedEffect, Prepare
from shared.providers import ProviderRequest
from shared.vault import Keys, VaultReader

_NOTE = text("UPDATE effects SET made = CAST(:made AS jsonb) WHERE effect_id = :effect_id")


def recording(prepare: Prepare, engine: AsyncEngine, keys: Keys) -> Prepare:
    """Answer *prepare*, which also notes what it made of an effect; raises what it raises, and what the database does."""

    async def prepared(effect: ClaimedEffect, vault: VaultReader) -> ProviderRequest | None:
        request = await prepare(effect, vault)
        if request is None:
            return None
        made = {
            "template": request.template,
            "version": request.version,
            "body_hash": keys.hash(canonical(request.content)).hex(),
        }
        async with engine.begin() as tx:
            await tx.execute(
                _NOTE, {"made": canonical(made).decode(), "effect_id": effect.effect_id}
            )
        return request

    return prepared
