"""How the bank makes its contacts: what of the scheduler's policy says what a contact was."""

from dataclasses import dataclass
from typing import Any

from shared.compliance.calendars import calendars_of
from shared.content.registry import Registry
from shared.permits.running import Periods


@dataclass(frozen=True, slots=True)
class Manner:
    """How the bank makes its contacts, as its strategy says: who collects, whose voice, which conduct, which texts, which periods."""

    collector: str
    voice: str
    autodialled: bool
    conduct: dict[str, Any]
    texts: Registry | None
    periods: Periods

    @classmethod
    def of(cls, strategy: Any) -> "Manner":
        """Read it from the scheduler's strategy."""
        content = strategy.content
        return cls(
            strategy.collector, strategy.voice, strategy.autodialled, strategy.conduct,
            None if content is None else Registry(content),
            Periods(strategy.packs, calendars_of(strategy.calendars)),
        )  # fmt: skip
