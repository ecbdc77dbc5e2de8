"""What is sent for each type of the gate's log, and what must follow: a contact refused by its rule, or one that is free."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.events.core_banking import CustomerBankrupt, CustomerMerged
from tests.system.gate_world import CN, GB, MA, NIGHT, US, Law, World, ago

Do = Callable[[World, str], Any]
TAGS = ["institution_identity", "debt_collector_disclosure", "opt_out_instruction"]
CALL = {"channel": "call", "point_id": "p-mobile", "tags": TAGS}
GRANTED = "granted"


@dataclass(frozen=True)
class Way:
    """
    Of these types of the log: what is done with a customer of this law, before the ladder's step and after it.

    `sms`: whether the step's message may leave. `rule` is the rule that `permit.refused` of the step must name.
    """

    logs: tuple[str, ...]
    law: Law
    acts: tuple[Do, ...] = ()
    sms: bool = True
    rule: str = ""
    after: tuple[Do, ...] = field(default=())


def declare(kind: str, **body: Any) -> Do:
    def do(world: World, customer: str) -> None:
        body_ = {**body}
        if "account_ids" in body_:
            body_["account_ids"] = [f"A-{customer}"]
        answer = world.post(f"/customers/{customer}/declarations", {"kind": kind, **body_})
        assert answer.status_code == 202, answer.text

    return do


DEBT = {"account_ids": True}
"""Stands for the customer's own account."""


def ask(expected: str, result: str = "", **body: Any) -> Do:
    """Ask leave: granted (and then came to *result*), or refused by the rule."""

    def do(world: World, customer: str) -> None:
        answer = world.post(f"/cases/{customer}/permits", {**CALL, **body})
        told = answer.json()
        if expected == GRANTED:
            assert answer.status_code == 201, answer.text
        else:
            assert answer.status_code == 409, answer.text
            assert expected in {each["rule"] for each in told["rules"]}, answer.text
        if result:
            path = f"/cases/{customer}/permits/{told['permit_id']}/outcome"
            assert world.post(path, {"result": result}).status_code == 202

    return do


def known(type_: str) -> Do:
    """The log has an entry of this type."""

    def do(world: World, customer: str) -> None:
        world.until(
            lambda: type_ in {e["type"] for e in world.log(customer)}, f"{type_} in the log"
        )

    return do


def held(world: World, customer: str) -> None:
    """A person holds the case: without it, a step that night alone delays leaves as soon as the night is agreed to."""
    assert world.post(f"/cases/{customer}/holds", {}).status_code == 202


def released(world: World, customer: str) -> None:
    world.until(lambda: world.state(customer).get("halts"), "the hold")
    (hold,) = world.state(customer)["halts"]
    assert world.post(f"/cases/{customer}/holds/{hold}/release", {}).status_code == 202


def attorney_released(world: World, customer: str) -> None:
    (hold,) = world.state(customer)["halts"]
    declare("attorney_released", hold_id=hold)(world, customer)


def bankrupt(world: World, customer: str) -> None:
    world.tell([CustomerBankrupt(customer_id=customer, case_no="2026-7")])
    world.until(lambda: world.state(customer).get("bankrupt"), "the bankruptcy")


def merged(world: World, customer: str) -> None:
    """The customer's record ends: it goes on under another's."""
    world.tell([CustomerMerged(customer_id="W-heir", from_customer_id=customer)])
    known("person.merged")(world, customer)


def placed(world: World, customer: str) -> None:
    """The agency AG1 has the accounts since two days; legal knows a customer whose case was told once."""
    held(world, customer)
    released(world, customer)
    world.until(lambda: world.knows(customer, "legal"), "the case at legal")
    body = {"agency": "AG1", "on_public_list": True, "occurred_at": ago(days=2)}
    assert world.post(f"/cases/{customer}/placements", body, "legal").status_code == 202


def agency(result: str, number: int, **when: float) -> Do:
    """The agency reports so many calls; they are known once legal told them."""

    def do(world: World, customer: str) -> None:
        lines = [
            {
                "customer_id": customer, "contact_id": f"{customer}-{n}", "occurred_at": ago(**when),
                "channel": "call", "result": result, "point_id": "p-mobile",
            }
            for n in range(number)
        ]  # fmt: skip
        answer = world.post("/agencies/AG1/contacts", {"contacts": lines}, "legal")
        assert answer.json()["accepted"] == number, answer.text
        world.until(lambda: world.logged(customer, "/agencies/AG1") == number, "the agency's calls")

    return do


def receipt(*, outcome: str, **more: Any) -> Do:
    """The provider says by its webhook what became of the step's message."""

    def do(world: World, customer: str) -> None:
        effect = world.sent()[customer]["effect_id"]
        data = {"customer_id": customer, "effect_id": effect, "outcome": outcome, **more}
        told = {"type": "provider.receipt", "id": f"r-{customer}", "time": ago(), "data": data}
        url = f"{world.cluster.url('notifier')}/webhooks/outcomes"
        assert world.client.post(url, json=told).status_code == 202

    return do


LOCATE = {"point_id": "p-friend", "purpose": "locate"}
CALLBACK = {"purpose": "callback"}
"""Answers the customer: no hold of the case is asked, only the packs are."""
ALWAYS = {"windows": [{"start": "00:00", "end": "00:00"}]}
SMS_OUT = {"scope": "channel", "channel": "sms"}
K = {"case": "K-1"}

WAYS: dict[str, Way] = {
    "nothing": Way((), CN, (ask(GRANTED),)),
    "opted-out-of-sms": Way(("optout",), CN, (declare("opt_out", **SMS_OUT),), False, "FIRM.OPTOUT.CHANNEL"),
    "opted-out-of-a-number": Way(
        ("optout",), CN,
        (declare("opt_out", scope="point", point_id="p-mobile"), ask("FIRM.OPTOUT.POINT", channel="sms")), False,
    ),
    "do-not-call": Way(("optout",), CN, (declare("do_not_call"), ask("FIRM.OPTOUT.CHANNEL"))),
    "opted-in-again": Way(("optin",), CN, (declare("opt_out", **SMS_OUT), declare("opt_in", **SMS_OUT))),
    "answers-stop": Way(
        ("optout",), CN, after=(receipt(outcome="answered", result="opt_out"), known("optout"), ask("FIRM.OPTOUT.POINT"))
    ),
    "never-convenient": Way(
        ("inconvenient.declared",), CN, (declare("inconvenient_times", **ALWAYS),), False, "FIRM.TIME.DECLARED"
    ),
    "convenient-again": Way(
        ("inconvenient.withdrawn",), CN, (declare("inconvenient_times", **ALWAYS), declare("inconvenient_withdrawn"))
    ),
    "night": Way((), NIGHT, (ask("CN.TIME.QUIET"),), False),
    "night-agreed": Way(
        ("consent",), NIGHT, (declare("consent", consent="quiet_hours", days=2), ask(GRANTED)), sms=True
    ),
    "night-not-any-more": Way(
        ("consent.withdrawn",), NIGHT,
        (
            held, declare("consent", consent="quiet_hours"), ask(GRANTED, **CALLBACK),
            declare("consent_withdrawn", consent="quiet_hours"), released, ask("CN.TIME.QUIET"),
        ), False,
    ),
    "three-talks": Way(
        ("contact",), CN,
        (ask(GRANTED, "effective"), ask(GRANTED, "effective"), ask(GRANTED), ask("CN.FREQ.EFFECTIVE3")),
    ),
    "agency-talked": Way(("contact",), CN, (placed, agency("effective", 3, seconds=1), ask("CN.FREQ.EFFECTIVE3"))),
    "two-messages": Way(
        ("contact",), MA, (ask(GRANTED, "delivered", channel="sms"),),
        after=(ask("MA.FREQ.2IN7"),),
    ),
    "called-us": Way(
        ("contact",), US,
        (
            declare("contact_received", channel="call", result="effective", point_id="p-mobile", **DEBT),
            ask("REGF.FREQ.TALK7"),
        ), False, "REGF.SMS.60D",
    ),
    "unreachable": Way(
        ("contact", "third_party.refused"), CN,
        (
            ask("CN.WHO.PARTY", **LOCATE), placed, agency("no_answer", 3, days=1), ask(GRANTED, **LOCATE),
            declare("third_party_refused", point_id="p-friend"), ask("CN.WHO.REFUSED", **LOCATE),
        ),
    ),
    "number-is-void": Way(
        ("point.known", "point.invalidated"), CN, (ask("CN.WHO.PARTY", **LOCATE),),
        after=(
            receipt(outcome="failed", reason="invalid_point"),
            lambda world, customer: world.until(lambda: world.state(customer).get("invalid"), "the void number"),
            ask(GRANTED, **LOCATE),
        ),
    ),
    "disputes": Way(
        ("dispute.opened",), CN, (declare("dispute"), ask("CN.HOLD.DISPUTE", **CALLBACK)), False
    ),
    "disputed": Way(("dispute.resolved",), CN, (declare("dispute"), released, ask(GRANTED, **CALLBACK))),
    "has-a-plan": Way(("plan.active",), CN, (declare("plan_active", **K, **DEBT),), False, "CN.HOLD.PLAN"),
    "broke-the-plan": Way(("plan.broken",), CN, (declare("plan_active", **K, **DEBT), declare("plan_broken", **K))),
    "merged": Way(("person.merged",), CN, (merged,), False),
    "silent-number": Way((), US, (), False, "REGF.SMS.60D"),
    "wrote-a-text": Way(("consumer.text",), US, (declare("contact_received", channel="sms", point_id="p-mobile"),)),
    "number-checked": Way(("reassigned_check.clean",), US, (declare("reassigned_check", point_id="p-mobile"),)),
    "consent-renewed": Way(("consent.renewed",), US, (declare("consent", consent="renewed", point_id="p-mobile"),)),
    "not-at-work": Way(
        ("employer.prohibits",), US, (declare("employer_prohibits"), ask("REGF.PLACE.WORK", place="work"), ask(GRANTED)), False
    ),
    "sued-too-late": Way(
        ("limitation.stated",), US,
        (
            ask("REGF.TIMEBARRED", tags=[*TAGS, "threat_suit"]), declare("limitation", until_on="2099-12-31", **DEBT),
            ask(GRANTED, tags=[*TAGS, "threat_suit"]), declare("limitation", until_on="2020-12-31", **DEBT),
            ask("REGF.TIMEBARRED", tags=[*TAGS, "threat_suit"]),
        ), False,
    ),
    "represented": Way(
        ("attorney.known",), US, (declare("attorney", represented=True), ask("REGF.ATTORNEY", **CALLBACK)), False
    ),
    "not-represented-any-more": Way(
        ("attorney.released",), US,
        (
            declare("attorney", represented=True), ask("REGF.ATTORNEY", **CALLBACK), attorney_released,
            ask(GRANTED, **CALLBACK),
        ), False, "REGF.SMS.60D",
    ),
    "refuses-in-writing": Way(("cease.written",), US, (declare("cease", **DEBT),), False, "REGF.CEASE"),
    "takes-it-back": Way(
        ("cease.withdrawn",), US, (declare("cease", **DEBT), declare("cease_withdrawn", **DEBT), ask(GRANTED)), False
    ),
    "said-stop": Way(("stop.said",), US, (declare("stop_said"), known("stop.said"), ask(GRANTED)), False),
    "unsaid-stop": Way(
        ("stop.withdrawn",), US, (declare("stop_said"), declare("stop_withdrawn"), known("stop.withdrawn")), False
    ),
    "work-address": Way(
        ("point.is_work_email",), US,
        (declare("work_email", point_id="p-mail"), ask("REGF.WORKEMAIL", channel="email", point_id="p-mail")), False,
    ),
    "work-address-agreed": Way(
        ("consent.work_email",), US,
        (
            declare("work_email", point_id="p-mail"), declare("consent", consent="work_email", point_id="p-mail"),
            ask(GRANTED, channel="email", point_id="p-mail"),
        ), False,
    ),
    "contests-in-time": Way(
        ("dispute.written_timely",), US, (declare("dispute_written_timely", **K, **DEBT),), False, "REGF.VALIDATION.DISPUTE"
    ),
    "verified": Way(
        ("verification.sent",), US,
        (declare("dispute_written_timely", **K, **DEBT), declare("verification_sent", **K), ask(GRANTED)), False,
    ),
    "bankrupt": Way(("bankruptcy.filed",), US, (bankrupt, ask("REGF.BK.STAY", **CALLBACK)), False),
    "said-bankrupt": Way(("bankruptcy.filed",), US, (declare("bankruptcy", **K),), False, "REGF.BK.STAY"),
    "not-discharged": Way(
        ("bankruptcy.closed_without_discharge",), US,
        (declare("bankruptcy", **K), declare("bankruptcy_closed", **K), ask(GRANTED)), False,
    ),
    "vulnerable": Way(
        ("vulnerable.flagged",), GB,
        (declare("vulnerable"), ask("UK.VISIT.VULNERABLE", channel="visit", point_id="p-post")),
    ),
    "not-vulnerable": Way(
        ("vulnerable.cleared",), GB,
        (declare("vulnerable"), declare("vulnerable_cleared"), ask(GRANTED, channel="visit", point_id="p-post")),
    ),
    "breathes": Way(("breathing_space.start",), GB, (declare("breathing_space", **K, **DEBT),), False, "UK.BS"),
    "breathed": Way(
        ("breathing_space.end",), GB, (declare("breathing_space", **K, **DEBT), declare("breathing_space_ended", **K))
    ),
    "notices": Way(
        ("default_notice.served", "letter_of_claim.dated", "transfer_notice.sent", "forbearance.assessed"), GB,
        tuple(
            act
            for kind, type_ in (
                ("default_notice", "default_notice.served"), ("letter_of_claim", "letter_of_claim.dated"),
                ("transfer_notice", "transfer_notice.sent"), ("forbearance", "forbearance.assessed"),
            )
            for act in (declare(kind, **DEBT), known(type_))
        ),
    ),
}  # fmt: skip
"""By the customer's name. The notices stand before acts of legal (tests/domain/scheduler/test_acts.py), not before a lender's contacts."""
