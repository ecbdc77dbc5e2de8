"""One look at one case: the facts folded, the case as it becomes, and what is to be said, in order."""

from dataclasses import dataclass, field
from datetime import date, datetime

from services.scheduler.domain import hours, ledger
from services.scheduler.domain.ledger import Unpaid
from services.scheduler.domain.state import CollectionCase
from services.scheduler.policy import Strategy
from shared.decision import Publish
from shared.events.envelope import Fact


@dataclass(slots=True)
class View:
    """
    What a tick works on; the only mutable thing in the domain, and it does not outlive the tick.

    `today` is the creditor's date. `overdue` are the unpaid instalments that are late, the oldest
    first; `dpd` counts from the oldest. `wakes` collects the instants at which to look again.
    """

    customer_id: str
    case: CollectionCase
    now: datetime
    strategy: Strategy
    out: list[Publish] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    today: date = field(init=False)
    unpaid: list[Unpaid] = field(init=False)
    overdue: list[Unpaid] = field(init=False)
    dpd: int = field(init=False)

    def __post_init__(self) -> None:
        """Fold the ledger once."""
        self.today = hours.business_date(self.now, self.strategy)
        self.unpaid = ledger.unpaid(self.case.accounts)
        self.overdue = [entry for entry in self.unpaid if entry.owed and entry.due_on < self.today]
        self.dpd = (self.today - self.overdue[0].due_on).days if self.overdue else 0

    def say(self, about: str, fact: Fact) -> None:
        """Publish *fact*, which is about *about*."""
        self.out.append(Publish(about, fact))

    def held(self) -> list[str]:
        """Name the holds that stand now, each as reason:about."""
        case = self.case
        if not (case.promises or case.bankrupt or case.deceased or case.merged):
            return []
        held = [f"promise:{promise_id}" for promise_id in sorted(case.promises)]
        held += [f"bankrupt:{no}" for no, (_, ended) in sorted(case.bankrupt.items()) if not ended]
        if case.deceased is not None and not case.deceased[1]:
            held.append("deceased:")
        return held + [f"merged:{pair}" for pair in case.merged]
