"""Tell how a customer stands at an instant, for summaries, the API and the work list. Pure."""

from datetime import datetime

from services.scheduler.domain import ledger
from services.scheduler.domain.state import CollectionCase
from services.scheduler.domain.view import View
from services.scheduler.policy import Strategy
from shared.replay.summary import CustomerSummary


def standing(
    customer_id: str, case: CollectionCase, at: datetime, strategy: Strategy
) -> CustomerSummary:
    """Derive days past due, bucket and what is overdue at *at* (UTC) from the facts."""
    view = View(customer_id, case, at, strategy)
    return CustomerSummary(
        id=customer_id,
        dpd=view.dpd,
        bucket=strategy.bucket(view.dpd),
        stage=case.stage,
        overdue_minor=ledger.by_currency(view.overdue),
    )
