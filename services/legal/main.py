"""What legal is made of."""

from services.legal.api import router
from services.legal.effects import prepare
from services.legal.service import LEGAL
from shared.runtime import Parts

PARTS = Parts(reactor=LEGAL, router=router, prepare=prepare)
