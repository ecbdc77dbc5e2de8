"""What a case that ended says to the survivor, in few words."""

from datetime import datetime
from typing import Any

from shared.events.envelope import Event
from shared.events.scheduler import CaseMerged
from tests.domain.scheduler.cases import said


def handed_over(when: datetime, **facts: Any) -> Event:
    """What the ended case of C0 hands over: an instalment of account B, due on 2026-03-01, unless told otherwise."""
    instalment = {
        "due_on": "2026-03-01", "amount_minor": 700, "currency": "CNY", "id": "m0",
        "as_of": "2026-03-01T06:00:00Z", "time": "2026-03-01T06:00:00Z",
    }  # fmt: skip
    known = facts or {"accounts": {"B": {"instalments": {"I1": instalment}}}}
    return said(CaseMerged, when, from_customer_id="C0", facts=known)
