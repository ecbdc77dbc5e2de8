"""One look at one case: the facts folded, the case as it becomes, and what is to be said, in order."""

from dataclasses import dataclass, field
from datetime import date, datetime

from services.scheduler.domain import halts, hours, ledger, reconciling
from services.scheduler.domain.gatekeeping import Gatekeeper, rules_of
from services.scheduler.domain.ledger import Unpaid
from services.scheduler.domain.reconciling import Comparison
from services.scheduler.domain.state import CollectionCase
from services.scheduler.policy import Strategy
from shared.decision import Publish
from shared.events.envelope import Fact


@dataclass(slots=True)
class View:
    """
    What a tick works on; the only mutable thing in the domain, and it does not outlive the tick.

    `today` is the creditor's date. `late` are the unpaid instalments that are late, the oldest first;
    `overdue` are the same, or none where a person closed the case and nothing newer is late; `dpd` counts
    from the oldest. `diverged` are the accounts whose statement contradicts their facts; `contactable` is
    what is overdue on the others. `wakes` collects the instants at which to look again.
    """

    customer_id: str
    case: CollectionCase
    now: datetime
    strategy: Strategy
    out: list[Publish] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    today: date = field(init=False)
    unpaid: list[Unpaid] = field(init=False)
    late: list[Unpaid] = field(init=False)
    overdue: list[Unpaid] = field(init=False)
    diverged: dict[str, Comparison] = field(init=False)
    contactable: list[Unpaid] = field(init=False)
    dpd: int = field(init=False)
    _keeper: Gatekeeper | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Fold the ledger once."""
        self.today = hours.business_date(self.now, self.strategy)
        self.unpaid = ledger.unpaid(self.case.accounts)
        self.late = [entry for entry in self.unpaid if entry.owed and entry.due_on < self.today]
        self.overdue = [] if self._is_closed_by_person() else self.late
        self.dpd = (self.today - self.overdue[0].due_on).days if self.overdue else 0
        self.diverged = {
            account_id: comparison
            for account_id, account in self.case.accounts.items()
            if account.opening is not None
            and (comparison := reconciling.compare(account_id, account)) is not None
            and comparison.diverges
        }
        self.contactable = (
            [entry for entry in self.overdue if entry.account_id not in self.diverged]
            if self.diverged
            else self.overdue
        )

    def _is_closed_by_person(self) -> bool:
        """Whether a person closed the case and everything that is late was late, or due, by then already."""
        if self.case.closure is None:
            return False
        closed_on = hours.business_date(self.case.closure, self.strategy)
        return all(entry.due_on < closed_on for entry in self.late)

    @property
    def keeper(self) -> Gatekeeper:
        """The gate, with what is known of the customer: folded when it is first asked."""
        if self._keeper is None:
            self._keeper = Gatekeeper(
                self.case, self.customer_id, self.now, rules_of(self.strategy)
            )
        return self._keeper

    def say(self, about: str, fact: Fact) -> None:
        """Publish *fact*, which is about *about*."""
        self.out.append(Publish(about, fact))

    def held(self) -> list[str]:
        """Name the holds that stand now, each as reason:about."""
        case = self.case
        diverged = self.overdue and not self.contactable
        if not (
            case.promises or case.bankrupt or case.deceased or case.merged or case.halts or diverged
        ):
            return []
        held = [f"promise:{promise_id}" for promise_id in sorted(case.promises)]
        held += [f"bankrupt:{no}" for no, (_, ended) in sorted(case.bankrupt.items()) if not ended]
        if case.deceased is not None and not case.deceased[1]:
            held.append("deceased:")
        held += [f"merged:{pair}" for pair in case.merged]
        held += [
            f"{halt.reason}:{hold_id}"
            for hold_id, halt in sorted(case.halts.items())
            if halts.stands(halt, case, self.now, self.strategy)
        ]
        return held + (["diverged:"] if diverged else [])
