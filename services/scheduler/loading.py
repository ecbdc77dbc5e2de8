"""Load what decides in the scheduler: the strategy's file, the rule packs, and the register of texts, as one policy."""

from pathlib import Path

from msgspec.structs import replace

from services.scheduler.policy import Strategy
from services.scheduler.strategy import load
from shared.compliance.calendars import read_calendars
from shared.compliance.loading import load_packs
from shared.content.loading import STANDARD_CONTENT, read
from shared.services import STANDARD_CALENDARS


def policy(
    strategy: Path, packs: Path, content: Path | None = None, calendars: Path = STANDARD_CALENDARS
) -> Strategy:
    """
    Read the strategy, the packs (a file or a folder), the register of texts (None: the one that ships), and the
    calendars (a folder).

    They are one policy with one digest: a decision is judged again by all that made it. Raises ValueError with
    file, line, field and mend for what cannot be used, and OSError for what cannot be read.
    """
    return replace(
        load(strategy),
        packs=load_packs(packs),
        content=read(content or STANDARD_CONTENT),
        calendars=read_calendars(calendars),
    )
