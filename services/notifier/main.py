"""What the notifier is made of; it alone stores contact values."""

from services.notifier.api import router
from services.notifier.effects import prepare
from services.notifier.service import NOTIFIER
from shared.runtime import Parts

PARTS = Parts(reactor=NOTIFIER, router=router, prepare=prepare, keeps_vault=True)
