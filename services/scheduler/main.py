"""What the scheduler is made of."""

from services.scheduler.api import router
from services.scheduler.service import SCHEDULER
from shared.runtime import Parts
from shared.services import configured

PARTS = Parts(
    reactor=SCHEDULER,
    router=router,
    policy=lambda settings: configured(SCHEDULER.name, settings).policy,
)
