"""What `arrears vault rotate` does, on the database of ARREARS_DATABASE_URL."""

from shared.audit.acts import SERVICE, record_act
from shared.cli.serving import settings_or_fail
from shared.clock import SystemClock
from shared.events.registry import SERVICES
from shared.privacy.owner import in_schema, owner_engine
from shared.vault.rotation import Rotated, rotate

KEEPER = "notifier"
"""The service that owns the vault; what is done to it is written down there."""


async def rotate_all(*, by: str, reason: str) -> Rotated:
    """Rotate and record the act. Raises SealBroken for a master that is not known here."""
    settings = settings_or_fail()
    keys = settings.keys()
    engine = owner_engine(settings.database_url)
    try:
        done = await rotate(engine, keys, SERVICES)
        async with in_schema(engine, KEEPER) as tx:
            await record_act(
                tx,
                subject=SERVICE,
                actor=by,
                act="vault.rotate",
                reason=reason,
                detail={
                    "master": keys.master,
                    "keys": done.keys,
                    "points": done.points,
                    "quarantined": done.quarantined,
                },
                at=SystemClock().now(),
            )
    finally:
        await engine.dispose()
    return done
