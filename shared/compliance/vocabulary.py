"""
The words that packs may use (RULES.md section 4): a word outside would make a rule apply to nothing, in silence.

Parties, actions, products and tags are open: a bank adds its own, and `arrears packs lint` names those that
stand in one place only.
"""

from typing import get_args

from shared.compliance.entries import Channel, Result

CHANNELS = frozenset(get_args(Channel))
RESULTS = frozenset(get_args(Result))
DIRECTIONS = frozenset({"in", "out"})
ROLES = frozenset({"first_party", "third_party"})
VOICES = frozenset({"human", "ai", "prerecorded"})
PURPOSES = frozenset(
    {
        "collect",
        "locate",
        "reply",
        "reply_once",
        "callback",
        "reminder",
        "statutory_notice",
        "verification",
        "dispute_outcome",
        "optout_confirm",
        "terminate_notice",
        "notify_may_invoke_remedy",
        "notify_will_invoke_remedy",
        "legal_process",
        "at_debtor_request",
        "unrelated_debt",
    }
)
LIMITATIONS = frozenset({"running", "expired"})
KEYS = frozenset({"creditor", "collector", "person", "contacted", "point", "debt"})
"""What a cap or a cooldown can count per; names of fields of the log (`debt`: each debt on its own)."""
SELECTORS = frozenset(
    {
        "debtor_country",
        "debtor_state",
        "debtor_city",
        "region",
        "role",
        "product",
        "language",
        "creditor",
        "creditor_kind",
    }
)
"""Fields of a proposal that may choose packs."""
