"""The notifier's own routes: which follow-ups are being contacted, and how far each has come; no rules in it."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel

from services.notifier.domain import Correspondence
from shared.http import points
from shared.http.worklist import worklist


class Contacting(BaseModel):
    """A follow-up under way: its choices in order, as channel and what was told of each."""

    follow_up_id: str
    step: str
    attempt: int
    not_before: datetime
    not_after: datetime
    choices: list[tuple[str, list[str]]]


def contacting(correspondence: Correspondence) -> Iterator[Contacting]:
    """Read the follow-ups that are not over."""
    for follow_up_id, notice in correspondence.notices.items():
        if not notice.ended:
            yield Contacting(
                follow_up_id=follow_up_id,
                step=notice.step,
                attempt=notice.attempt,
                not_before=notice.not_before,
                not_after=notice.not_after,
                choices=[(contact.channel, list(contact.told)) for contact in notice.contacts],
            )


router = worklist(Contacting, contacting, ("contacting",))
router.include_router(points.router)
