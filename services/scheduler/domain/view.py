"""One look at one case: the facts folded, the case as it becomes, and what is to be said, in order."""

from dataclasses import dataclass, field
from datetime import date, datetime

from services.scheduler.domain import halts, hours, ledger, merging, reconciling
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
    what is overdue on the others. `wakes` collects the instants at which to look again. `heir` goes on for the
    customer, whose record ended; then nothing is unpaid here.
    """

    customer_id: str
    case: CollectionCase
    now: datetime
    strategy: Strategy
    out: list[Publish] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    heir: str = field(init=False)
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
        self.heir = merging.survivor_of(self.case, self.customer_id)
        self.unpaid = [] if self.heir else ledger.unpaid(self.case.accounts)
        self.late = [entry for entry in self.unpaid if entry.owed and entry.due_on < self.today]
        pursued = self._pursued()
        self.overdue = [] if self._is_closed_by_person(pursued) else pursued
        self.dpd = (self.today - self.overdue[0].due_on).days if self.overdue else 0
        self.diverged = {
            account_id: comparison
            for account_id, account in self.case.accounts.items()
            if account.opening is not None
            and not self.heir
            and (comparison := reconciling.compare(account_id, account)) is not None
            and comparison.diverges
        }
        self.contactable = (
            [entry for entry in self.overdue if entry.account_id not in self.diverged]
            if self.diverged
            else self.overdue
        )

    def _pursued(self) -> list[Unpaid]:
        """Leave out the accounts that a person had closed with the case of a record that ended, and that brought nothing new."""
        given_up = {
            account_id
            for account_id, account in self.case.accounts.items()
            if account.given_up_at is not None
            and self._was_late(
                [entry for entry in self.late if entry.account_id == account_id],
                account.given_up_at,
            )
        }
        if not given_up:
            return self.late
        return [entry for entry in self.late if entry.account_id not in given_up]

    def _is_closed_by_person(self, late: list[Unpaid]) -> bool:
        """Whether a person closed the case and everything that is late was late, or due, by then already."""
        return self.case.closure is not None and self._was_late(late, self.case.closure)

    def _was_late(self, late: list[Unpaid], at: datetime) -> bool:
        closed_on = hours.business_date(at, self.strategy)
        return all(entry.due_on < closed_on for entry in late)

    @property
    def awaits(self) -> tuple[str, ...]:
        """Name the ended records that go on in this case and have not handed over yet."""
        return merging.awaited(self.case, self.customer_id)

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
        if not (case.promises or case.bankrupt or case.deceased or case.halts or diverged):
            return []
        held = [f"promise:{promise_id}" for promise_id in sorted(case.promises)]
        held += [f"bankrupt:{no}" for no, (_, ended) in sorted(case.bankrupt.items()) if not ended]
        if case.deceased is not None and not case.deceased[1]:
            held.append("deceased:")
        held += [
            f"{halt.reason}:{hold_id}"
            for hold_id, halt in sorted(case.halts.items())
            if halts.stands(halt, case, self.now, self.strategy)
        ]
        return held + (["diverged:"] if diverged else [])
