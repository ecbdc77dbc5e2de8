"""What `arrears replay --recorded` does: decide the inboxes of a running system again, and compare."""

import asyncio

from shared.cli.output import fail, say
from shared.cli.serving import settings_or_fail
from shared.db import engine_for
from shared.events.registry import SERVICES
from shared.messaging.recorded import replay_recorded
from shared.services import reactor


def replay_inboxes() -> None:
    """Replay each service's inbox with its recorded order, instants and policy; differences end with 1."""
    differences = asyncio.run(_all())
    for line in differences:
        say(line)
    if differences:
        fail(f"{len(differences)} cases differ from their inbox", code=1)
    say("every case equals the replay of its inbox")


async def _all() -> list[str]:
    found = []
    for name in SERVICES:
        engine = engine_for(settings_or_fail().database_url, name, pool_size=1, name="recorded")
        try:
            found += [f"{name}: {entry}" for entry in await replay_recorded(engine, reactor(name))]
        finally:
            await engine.dispose()
    return found
