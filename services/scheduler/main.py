"""What the scheduler is made of."""

from pathlib import Path

from services.scheduler.api import router
from services.scheduler.service import SCHEDULER
from services.scheduler.strategy import load
from shared.runtime import Parts
from shared.services import STANDARD_STRATEGY

PARTS = Parts(
    reactor=SCHEDULER,
    router=router,
    policy=lambda path: load(Path(path) if path else STANDARD_STRATEGY),
)
