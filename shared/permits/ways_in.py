"""The ways in: from which fact of the bus each type of the gate's log comes, who says it and over which route.

A type that a rule pack or the engine names and that has no row here could never be known: a test fails for it.
docs/reference/ways-in.md is made of this table.
"""

from dataclasses import dataclass

DECLARATIONS = "POST /customers/{customer_id}/declarations"
CORE_BANKING = "topic core-banking"
RECEIPTS = "POST /webhooks/outcomes"
TICK = "the scheduler's tick"


@dataclass(frozen=True, slots=True)
class Way:
    """
    One way in: `log` is the type of the entry, `event` the fact on the bus that it is made of.

    `topic` is the topic on which the event travels (empty: it enters the scheduler by HTTP), `producer` who says it,
    `route` where it comes in from outside, `kind` the kind of the declaration.
    """

    log: str
    event: str
    topic: str
    producer: str
    route: str
    kind: str = ""


def _declared(log: str, event: str, kind: str, producer: str = "agent") -> Way:
    return Way(log, event, "", producer, DECLARATIONS, kind)


def _receipt(log: str, *events: str) -> tuple[Way, ...]:
    return tuple(Way(log, event, "notifier", "provider", RECEIPTS) for event in events)


WAYS: tuple[Way, ...] = (
    Way("contact", "follow_up.due", "scheduler", "scheduler", TICK),
    Way("contact", "permit.granted", "scheduler", "scheduler", TICK),
    *_receipt(
        "contact",
        "contact.sent",
        "contact.delivered",
        "contact.answered",
        "contact.failed",
        "contact.refused",
        "contact.unknown",
    ),
    Way("contact", "visit.completed", "visits", "field", RECEIPTS),
    Way("contact", "visit.failed", "visits", "field", RECEIPTS),
    Way("contact", "visit.cancelled", "visits", "visits", "the tick of visits"),
    Way("contact", "legal.letter_sent", "legal", "post", RECEIPTS),
    Way("letter_of_claim.dated", "legal.letter_sent", "legal", "post", RECEIPTS),
    Way("contact", "agency.contacted", "legal", "agency", "POST /agencies/{agency}/contacts"),
    Way(
        "contact",
        "contact.reported",
        "",
        "agent",
        "POST /cases/{customer_id}/permits/{permit_id}/outcome",
    ),
    _declared("contact", "contact.received", "contact_received"),
    _declared("consumer.text", "contact.received", "contact_received"),
    _declared("consent", "consent.given", "consent"),
    _declared("consent.work_email", "consent.given", "consent"),
    _declared("consent.renewed", "consent.given", "consent"),
    _declared("consent.withdrawn", "consent.withdrawn", "consent_withdrawn"),
    _declared("optout", "opt_out.declared", "opt_out"),
    _declared("optout", "do_not_call.declared", "do_not_call"),
    Way("optout", "opt_out.recorded", "notifier", "provider", RECEIPTS),
    _declared("optin", "opt_in.declared", "opt_in"),
    _declared("inconvenient.declared", "inconvenient.declared", "inconvenient_times"),
    _declared("inconvenient.withdrawn", "inconvenient.withdrawn", "inconvenient_withdrawn"),
    Way("person.merged", "customer.merged", "core-banking", "core banking", CORE_BANKING),
    Way("point.known", "customer.updated", "core-banking", "core banking", CORE_BANKING),
    Way("point.invalidated", "contact_point.invalidated", "notifier", "provider", RECEIPTS),
    _declared("third_party.refused", "third_party.refused", "third_party_refused"),
    _declared("dispute.opened", "dispute.raised", "dispute"),
    Way("dispute.opened", "dispute.raised", "", "agent", "POST /cases/{customer_id}/disputes"),
    Way(
        "dispute.resolved",
        "hold.released",
        "",
        "agent",
        "POST /cases/{customer_id}/holds/{hold_id}/release",
    ),
    _declared(
        "dispute.written_timely", "dispute.written_timely", "dispute_written_timely", "legal"
    ),
    _declared("verification.sent", "verification.sent", "verification_sent", "legal"),
    _declared("plan.active", "plan.active", "plan_active", "legal"),
    _declared("plan.broken", "plan.broken", "plan_broken", "legal"),
    _declared("employer.prohibits", "employer.prohibits", "employer_prohibits"),
    _declared("attorney.known", "attorney.appointed", "attorney"),
    _declared("attorney.released", "attorney.released", "attorney_released"),
    Way(
        "attorney.released",
        "hold.released",
        "",
        "agent",
        "POST /cases/{customer_id}/holds/{hold_id}/release",
    ),
    _declared("cease.written", "cease.written", "cease"),
    _declared("cease.withdrawn", "cease.withdrawn", "cease_withdrawn"),
    _declared("stop.said", "stop.said", "stop_said"),
    _declared("stop.withdrawn", "stop.withdrawn", "stop_withdrawn"),
    _declared("point.is_work_email", "point.is_work_email", "work_email"),
    Way("bankruptcy.filed", "customer.bankrupt", "core-banking", "core banking", CORE_BANKING),
    _declared("bankruptcy.filed", "bankruptcy.filed", "bankruptcy"),
    _declared(
        "bankruptcy.closed_without_discharge",
        "bankruptcy.closed_without_discharge",
        "bankruptcy_closed",
        "legal",
    ),
    _declared("vulnerable.flagged", "vulnerable.flagged", "vulnerable"),
    _declared("vulnerable.cleared", "vulnerable.cleared", "vulnerable_cleared", "compliance"),
    _declared("breathing_space.start", "breathing_space.start", "breathing_space", "legal"),
    _declared("breathing_space.end", "breathing_space.end", "breathing_space_ended", "legal"),
    _declared("default_notice.served", "default_notice.served", "default_notice", "legal"),
    _declared("letter_of_claim.dated", "letter_of_claim.dated", "letter_of_claim", "legal"),
    _declared("transfer_notice.sent", "transfer_notice.sent", "transfer_notice", "legal"),
    _declared("forbearance.assessed", "forbearance.assessed", "forbearance", "legal"),
    _declared("reassigned_check.clean", "reassigned_check.clean", "reassigned_check", "compliance"),
    _declared("limitation.stated", "limitation.stated", "limitation", "legal"),
)
"""Every way in; core banking's `customer.bankrupt` that ended says nothing of a discharge, so it ends no stay."""
LOG_TYPES = frozenset(way.log for way in WAYS)
EVENTS = frozenset(way.event for way in WAYS)
