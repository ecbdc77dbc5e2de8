"""A contact (or an act such as issuing a claim) that somebody proposes, as the rules see it."""

from datetime import datetime
from typing import Any

import msgspec


class Proposal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What would be done at `at` (an instant with its offset).

    `person` is who is spoken to or owes, `contacted` a third person who is asked; `zones` are all IANA
    zones in which the contact may arrive; `debts` are account ids. `tags` are the disclosures and claims
    of the text. `conduct` holds facts about the act and the actor (recording, staff, id_shown,
    entry_consent_or_outside, agency_on_public_list). `clocks` maps the name of a clock of the pack to
    whether it is live (a bool; or live, running, expired; or its last day, included, "YYYY-MM-DD"; or the instant of its
    end, RFC 3339). `limitation` is running or expired. The `debtor_*` fields, `region`, `product` and `role` select packs. `reservation` names
    the entry (src, id) of the proposal's own reservation, which is then not counted against it. `share` is
    (k, rank): the number stands in the files of k customers, of which this is the rank-th oldest (from 1);
    a cap per point then leaves this case floor(cap / k), and at least one to the oldest.
    """

    at: datetime
    channel: str = ""
    voice: str = ""
    autodialled: bool = False
    purpose: str = ""
    action: str = ""
    party: str = ""
    person: str = ""
    contacted: str = ""
    debts: tuple[str, ...] = ()
    point: str = ""
    place: str = ""
    topic: str = ""
    creditor: str = ""
    creditor_kind: str = ""
    collector: str = ""
    role: str = ""
    product: str = ""
    zones: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    conduct: dict[str, Any] = {}
    clocks: dict[str, bool | str] = {}
    limitation: str = ""
    debtor_country: str = ""
    debtor_state: str = ""
    debtor_city: str = ""
    region: str = ""
    language: str = ""
    reservation: tuple[str, str] | None = None
    share: tuple[int, int] = (1, 1)
