"""What visits is made of."""

from services.visits.api import router
from services.visits.effects import prepare
from services.visits.service import VISITS
from shared.runtime import Parts

PARTS = Parts(reactor=VISITS, router=router, prepare=prepare)
