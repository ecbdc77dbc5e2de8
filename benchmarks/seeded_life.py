"""One cardholder in arrears of whom facts are made up: draws instants, and notes what is told at them."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec

from benchmarks.placing import home_hour
from shared.events import commands
from shared.events.envelope import Event, Fact
from shared.events.registry import TYPE_OF
from shared.ids import derive
from shared.sandbox.chance import Draws

SOURCE = "/seeded"
WHO = {"by": "seeded", "reason": "made up by the benchmark"}
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_BACK_DATED, _FUTURE_DATED = 0.30, 0.05


@dataclass
class Life:
    """One cardholder in arrears since `missed_at`; `rules` names whose law applies."""

    customer_id: str
    account_id: str
    missed_at: datetime
    rules: str
    draws: Draws
    told: list[Event]

    def at(self, first: int, last: int, hour: int | None = None) -> datetime:
        """Draw an instant within the days; the hour is of UTC, drawn over the day where none is given."""
        day = self.missed_at.date() + timedelta(days=self.draws.within(first, last))
        chosen = self.draws.within(0, 23) if hour is None else hour
        return datetime.combine(day, time(chosen, self.draws.within(0, 59)), UTC)

    def morning(self, after: datetime, days: int) -> datetime:
        """Answer about noon, where they live, so many days after an instant."""
        return datetime.combine(after.date() + days * DAY, time(home_hour(self.rules), 7), UTC)

    def shifted(self, told: datetime) -> datetime | None:
        """Draw when something happened that is told at an instant: mostly then (None), else days before; or days later."""
        drawn = self.draws.share()
        if drawn < _BACK_DATED:
            return told - self.draws.within(3, 96) * HOUR
        if drawn < _BACK_DATED + _FUTURE_DATED:
            return told + self.draws.within(3, 72) * HOUR
        return None

    def tell(self, at: datetime, model: type[Fact], **fields: Any) -> None:
        """Note a fact that was told at that instant."""
        name = TYPE_OF[model]
        number = derive("seeded", self.customer_id, name, len(self.told))
        who = WHO if issubclass(model, commands.Said) else {}
        fact = msgspec.convert({"customer_id": self.customer_id, **who, **fields}, model)
        self.told.append(
            Event(id=number, source=SOURCE, type=name, subject=self.customer_id, time=at, data=fact)
        )
