"""One good body of every kind of declaration, about the customer of test_commands.known()."""

from typing import Any

DEBT = {"account_ids": ["A1"]}
CASE = {"case": "X-7"}
POINT = {"point_id": "p1"}
BODIES: dict[str, dict[str, Any]] = {
    "attorney": {"represented": True},
    "attorney_released": {"hold_id": "the attorney's"},
    "bankruptcy": CASE,
    "bankruptcy_closed": CASE,
    "breathing_space": CASE | DEBT,
    "breathing_space_ended": CASE,
    "cease": DEBT,
    "cease_withdrawn": DEBT,
    "consent": {"consent": "quiet_hours", "days": 7},
    "consent_withdrawn": {"consent": "quiet_hours"},
    "contact_received": {"channel": "sms", **POINT},
    "default_notice": DEBT,
    "dispute": {"account_id": "A1"},
    "dispute_written_timely": CASE | DEBT,
    "do_not_call": {},
    "employer_prohibits": {},
    "forbearance": DEBT,
    "inconvenient_times": {"windows": [{"start": "22:00", "end": "10:00", "days": [1]}]},
    "inconvenient_withdrawn": {},
    "letter_of_claim": DEBT,
    "limitation": DEBT | {"until_on": "2029-03-01"},
    "opt_in": {"scope": "topic", "topic": "collection"},
    "opt_out": {"scope": "caller"},
    "plan_active": DEBT,
    "plan_broken": CASE,
    "reassigned_check": POINT,
    "stop_said": {},
    "stop_withdrawn": {},
    "third_party_refused": POINT,
    "transfer_notice": DEBT,
    "verification_sent": CASE,
    "vulnerable": {},
    "vulnerable_cleared": {},
    "work_email": POINT,
}
