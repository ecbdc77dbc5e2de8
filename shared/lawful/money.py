"""When money came in on the debts of one customer, as far as a legal period asks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from shared.events.core_banking import PaymentReceived, PaymentReversed
from shared.events.envelope import Fact


@dataclass(slots=True)
class Money:
    """The payments by id, and the ids of those that did not hold."""

    payments: dict[str, PaymentReceived] = field(default_factory=dict)
    reversed: set[str] = field(default_factory=set)

    def take(self, data: Fact) -> None:
        """Note a payment, or that one was reversed; nothing of any other fact."""
        match data:
            case PaymentReceived():
                self.payments[data.payment_id] = data
            case PaymentReversed():
                self.reversed.add(data.payment_id)
            case _:
                pass

    def absorb(self, other: "Money") -> None:
        """Go on with another's."""
        self.payments = {**other.payments, **self.payments}
        self.reversed |= other.reversed

    def paid_on(self, account_id: str) -> Iterator[date]:
        """Answer when money came in that stands, and that somebody saw come."""
        for payment_id, payment in self.payments.items():
            stands = payment_id not in self.reversed and not payment.inferred
            if stands and payment.account_id == account_id:
                yield payment.value_on
