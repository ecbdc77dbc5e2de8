"""Put a contact of the case into the gate's words, and ask the gate."""

from collections.abc import Collection, Iterator
from datetime import date, datetime

from msgspec.structs import replace

from services.scheduler.domain import hours
from services.scheduler.domain.gatekeeping import Ruling, refused
from services.scheduler.domain.ledger import Unpaid
from services.scheduler.domain.state import Account, Asked, CollectionCase, Customer, Offer
from services.scheduler.domain.view import View
from shared.compliance.proposal import Proposal
from shared.permits import running
from shared.permits.outcomes import SRC
from shared.permits.proposals import Act, Debt, Where, Whom, proposals

NOT_USABLE = "CONTENT.NOT_USABLE"
"""No text is sent that is not registered, approved, in its time and meant for this."""
NO_RECORD = "CASE.NO_RECORD"
"""Core banking has sent no record of the customer: nobody knows whose point it is."""
COLLECT, REMIND, LEGAL = "collect", "reminder", "legal_process"
_THIRD_PARTY = "third_party"
_PURPOSES = {"letter": LEGAL}
"""For what a service wants a contact of its own, where it does not say so."""


def accounts_of(entries: list[Unpaid]) -> tuple[str, ...]:
    """Answer the accounts of the instalments, each once."""
    return tuple(sorted({entry.account_id for entry in entries}))


def offered(
    view: View, offer: Offer, accounts: Collection[str], purpose: str, permit_id: str = ""
) -> tuple[Proposal, ...] | Ruling:
    """
    Answer what the choice of a step proposes for now, or the ruling that needs no gate.

    *permit_id*: the choice has this permit already, whose reservation is not held against it.
    """
    customer, strategy = view.case.customer, view.strategy
    if customer is None:
        return refused(NO_RECORD, needs_fact="party")
    tags = _tags(view, customer, offer, accounts)
    if tags is None:
        return refused(NOT_USABLE, needs_fact="template")
    act = Act(
        channel=offer.channel, purpose=purpose, collector=strategy.collector, voice=strategy.voice,
        autodialled=strategy.autodialled, tags=tags, conduct=strategy.conduct,
    )  # fmt: skip
    return _proposals(view, customer, _where(customer, offer.point_id), accounts, act, permit_id)


def acts(
    view: View, accounts: Collection[str], actions: Collection[str]
) -> tuple[Proposal, ...] | Ruling:
    """Answer what acts about these debts propose, of those on which a pack has a rule, or the ruling that needs no gate."""
    customer, strategy = view.case.customer, view.strategy
    if customer is None:
        return refused(NO_RECORD, needs_fact="party")
    made: list[Proposal] = []
    for action in actions:
        act = Act(
            channel="", purpose=LEGAL, action=action, collector=strategy.collector,
            conduct=strategy.conduct,
        )  # fmt: skip
        made += _proposals(view, customer, Where(point_id="", party="debtor"), accounts, act)
    return tuple(each for each in made if view.keeper.is_ruled(each))


def judged(view: View, made: tuple[Proposal, ...] | Ruling) -> Ruling:
    """Answer what the gate says to what is proposed."""
    return made if isinstance(made, Ruling) else view.keeper.judge(made)


def asked(
    view: View, wanted: Asked, at: datetime, permit_id: str = ""
) -> tuple[Proposal, ...] | Ruling:
    """Answer what a person, or a service, proposes for *at*, or the ruling that needs no gate; *permit_id* as above."""
    customer, strategy = view.case.customer, view.strategy
    if customer is None:
        return refused(NO_RECORD, needs_fact="party")
    accounts = wanted.accounts or accounts_of(view.contactable) or tuple(sorted(view.case.accounts))
    tags: frozenset[str] | None = frozenset(wanted.tags)
    if wanted.template:
        offer = Offer(channel=wanted.channel, point_id=wanted.point_id, template=wanted.template)  # type: ignore[arg-type]
        said = _tags(view, customer, offer, accounts)
        tags = None if said is None or tags is None else tags | said
    if tags is None:
        return refused(NOT_USABLE, needs_fact="template")
    act = Act(
        channel=wanted.channel,
        purpose=wanted.purpose or _PURPOSES.get(wanted.channel, COLLECT),
        collector=strategy.collector,
        voice="human",
        tags=tags,
        conduct={**strategy.conduct, **wanted.conduct},
        contacted=wanted.contacted,
        place=wanted.place,
        topic=wanted.topic,
    )
    made = _proposals(view, customer, _where(customer, wanted.point_id), accounts, act, permit_id)
    return tuple(replace(each, at=at) for each in made)


def text_for(view: View, customer: Customer, template: str, accounts: Collection[str]) -> str:
    """Answer the name of the text to use: who collects for others says so in it."""
    texts = view.keeper.texts
    if texts is None:
        return template
    return texts.named(template, customer.language, _role(view, accounts))


def _role(view: View, accounts: Collection[str]) -> str:
    roles = {view.case.accounts[each].role for each in accounts if each in view.case.accounts}
    return _THIRD_PARTY if _THIRD_PARTY in roles else min(roles, default="")


def _tags(
    view: View, customer: Customer, offer: Offer, accounts: Collection[str]
) -> frozenset[str] | None:
    texts = view.keeper.texts
    if texts is None:
        return frozenset()
    known = (view.case.accounts[each] for each in accounts if each in view.case.accounts)
    return texts.tags(
        offer.template,
        customer.language,
        view.today,
        products={account.product for account in known if account.product},
        role=_role(view, accounts),
        channel=offer.channel,
    )


def _proposals(
    view: View,
    customer: Customer,
    where: Where,
    accounts: Collection[str],
    act: Act,
    permit_id: str = "",
) -> tuple[Proposal, ...]:
    made = proposals(
        view.now,
        Whom(
            customer_id=view.customer_id, zones=hours.known_zones(customer.time_zones),
            country=customer.country, state=customer.state, region=customer.region,
            language=customer.language, city=customer.city,
        ),
        where,
        _debts(view.case, accounts),
        act,
        view.keeper.periods,
    )  # fmt: skip
    if where.point_id in view.case.shared:
        files, rank = view.case.shared[where.point_id]
        made = tuple(replace(each, share=(files, rank + 1)) for each in made)
    if not permit_id:
        return made
    return tuple(_reserved(each, permit_id) for each in made)


def _where(customer: Customer, point_id: str) -> Where:
    point = customer.points.get(point_id)
    if point is None:
        return Where(point_id=point_id)
    zones = hours.known_zones(point.zones)
    return Where(point_id=point_id, party=point.party, zones=zones, place=point.place)


def _debts(case: CollectionCase, accounts: Collection[str]) -> Iterator[Debt]:
    stated = running.stated(case.log.values())
    for account_id in accounts:
        account = case.accounts.get(account_id, Account())
        paid_on = tuple(_paid_on(account))
        terms = replace(
            account.terms or running.Terms(), paid_on=paid_on, stated_on=stated.get(account_id)
        )
        yield Debt(
            account_id=account_id, product=account.product, creditor=account.creditor,
            role=account.role, creditor_kind=account.creditor_kind, terms=terms,
        )  # fmt: skip


def _paid_on(account: Account) -> Iterator[date]:
    """Answer when money came in that stands, and that somebody saw come."""
    for payment in account.payments.values():
        if payment.value_on is not None and payment.reversed_at is None and not payment.inferred:
            yield payment.value_on


def _reserved(proposal: Proposal, permit_id: str) -> Proposal:
    return replace(proposal, reservation=(SRC, permit_id))
