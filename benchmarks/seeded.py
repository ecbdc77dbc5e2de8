"""What customers say and what happens to them, made up by a seed: opt-outs, disputes, late letters, mergers, consents.

The facts come on top of a portfolio's own. They are chosen so that every rule of the country's packs is met by somebody;
what people at the phone and agencies do is in seeded_calls.py.
"""

from collections.abc import Callable, Iterator

from benchmarks import seeded_calls as calls
from benchmarks.placing import FAMILY
from benchmarks.seeded_life import DAY, HOUR, Life
from shared.events import commands, contacts, core_banking, declarations
from shared.events.envelope import Event
from shared.ids import derive

_SCOPES: tuple[dict[str, str], ...] = (
    {"scope": "point", "point_id": "mobile-1"},
    {"scope": "channel", "channel": "sms"},
    {"scope": "channel", "channel": "wechat"},
    {"scope": "topic", "topic": "arrears"},
    {"scope": "caller"},
)
_CONSENTS = ("quiet_hours", "callback", "attempts", "time", "locate_again", "work_email", "renewed")


def _opt_outs(life: Life) -> None:
    scope = _SCOPES[life.draws.within(0, len(_SCOPES) - 1)]
    first = life.at(2, 30)
    life.tell(first, commands.OptOutDeclared, **scope, occurred_at=life.shifted(first))
    if life.draws.share() < 0.4:
        again = first + 20 * DAY
        life.tell(again, declarations.OptInDeclared, **scope, occurred_at=life.shifted(again))
    if life.draws.share() < 0.3:
        life.tell(life.at(5, 40), commands.DoNotCallDeclared)


def _disputes(life: Life) -> None:
    opened, case = life.at(1, 20), derive("seeded", life.customer_id, "dispute")
    back = life.shifted(opened)
    life.tell(
        opened, commands.DisputeRaised, hold_id=case, account_id=life.account_id, occurred_at=back
    )
    calls.ask(life, life.morning(opened, 2), "disputed", purpose="callback")
    life.tell(opened + 12 * DAY, commands.HoldReleased, hold_id=case)


def _validation(life: Life) -> None:
    """A written dispute within the period of a validation notice, and what was sent to verify."""
    opened = life.at(1, 20)
    told = {"case": "validation", "account_ids": [life.account_id]}
    back = life.shifted(opened)
    life.tell(opened, declarations.DisputeWrittenTimely, **told, occurred_at=back)
    life.tell(opened + 12 * DAY, declarations.VerificationSent, **told)


def _late_letters(life: Life) -> None:
    """A letter is scanned two days after it came: contacts in between were lawful on what was known."""
    scanned = life.at(3, 40)
    ended, came = scanned + 30 * DAY, scanned - life.draws.within(20, 60) * HOUR
    debts = [life.account_id]
    match life.draws.within(0, 4):
        case 0:
            life.tell(scanned, declarations.CeaseWritten, occurred_at=came, account_ids=debts)
            life.tell(ended, declarations.CeaseWithdrawn, account_ids=debts)
        case 1:
            hold = derive("seeded", life.customer_id, "attorney")
            life.tell(scanned, commands.AttorneyAppointed, occurred_at=came, hold_id=hold)
            life.tell(ended, declarations.AttorneyReleased, hold_id=hold)
        case 2:
            life.tell(scanned, declarations.BankruptcyFiled, occurred_at=came, case="bk")
            life.tell(ended, declarations.BankruptcyClosed, case="bk")
        case 3:
            space = {"case": "space", "account_ids": debts}
            life.tell(scanned, declarations.BreathingSpaceStart, occurred_at=came, **space)
            if life.draws.share() < 0.5:
                life.tell(ended, declarations.BreathingSpaceEnd, **space)
        case _:
            life.tell(scanned, declarations.EmployerProhibits, occurred_at=came)
            calls.ask(life, life.morning(scanned, 2), "at work", place="work")


def _times(life: Life) -> None:
    begin = life.draws.within(8, 18)
    window = {"start": f"{begin:02d}:00:00", "end": f"{begin + 3}:00:00", "days": [1, 2, 3]}
    first = life.at(1, 15)
    back = life.shifted(first)
    life.tell(first, commands.InconvenientDeclared, windows=[window], occurred_at=back)
    if life.draws.share() < 0.3:
        life.tell(first + 15 * DAY, declarations.InconvenientWithdrawn)


def _consents(life: Life) -> None:
    kind = _CONSENTS[life.draws.within(0, len(_CONSENTS) - 1)]
    first, days = life.at(1, 30), life.draws.within(3, 30)
    until = (
        {"days": days},
        {"until_on": (first + days * DAY).date()},
        {"until": first + days * DAY},
    )
    life.tell(
        first, declarations.ConsentGiven, kind=kind, occurred_at=life.shifted(first),
        **until[life.draws.within(0, 2)],
    )  # fmt: skip
    if life.draws.share() < 0.4:
        life.tell(first + 4 * DAY, declarations.ConsentWithdrawn, kind=kind)


def _contacts_us(life: Life) -> None:
    channel, result = (("call", "effective"), ("sms", "delivered"))[life.draws.within(0, 1)]
    told = life.at(1, 40, hour=5)
    life.tell(
        told, contacts.ContactReceived, channel=channel, result=result, point_id="mobile-1",
        account_ids=[life.account_id], occurred_at=life.shifted(told),
    )  # fmt: skip


def _plans(life: Life) -> None:
    first = life.at(3, 30)
    life.tell(first, declarations.PlanActive, case="plan", account_ids=[life.account_id])
    life.tell(first + 25 * DAY, declarations.PlanBroken, case="plan")


def _troubles(life: Life) -> None:
    """What stops a case by itself, without a rule: hardship, complaint, promise, a person's hold, a claim to have paid."""
    at, hold = life.at(2, 40), derive("seeded", life.customer_id, "trouble")
    match life.draws.within(0, 4):
        case 0:
            life.tell(at, commands.HardshipDeclared, hold_id=hold)
        case 1:
            life.tell(at, commands.ComplaintRaised, hold_id=hold)
            life.tell(at + 9 * DAY, commands.HoldReleased, hold_id=hold)
        case 2:
            promised = (at + 6 * DAY).date()
            life.tell(at, commands.PromiseTaken, promise_id=hold, promised_on=promised)
        case 3:
            life.tell(at, commands.HoldPlaced, hold_id=hold, until_on=(at + 8 * DAY).date())
        case _:
            life.tell(at, commands.PaymentClaimed, hold_id=hold)


def _ends(life: Life) -> None:
    """They die, or core banking says that they are insolvent, and perhaps that it was an error or is over."""
    at = life.at(5, 60)
    fact = (core_banking.CustomerDeceased, core_banking.CustomerBankrupt)[life.draws.within(0, 1)]
    life.tell(at, fact, case_no="seeded")
    if life.draws.share() < 0.3:
        life.tell(at + 30 * DAY, fact, case_no="seeded", ended=True)


def _checks(life: Life) -> None:
    """A look-up says that the number is still theirs: without it no message may go to it in the US."""
    for day in range(1, 120, 50):
        at = life.missed_at + day * DAY
        life.tell(at, declarations.ReassignedCheckClean, point_id="mobile-1")


def _notices(life: Life) -> None:
    """What the bank has to do first, some days before or after the claim was sold, and what legal works out."""
    debts = [life.account_id]
    at = life.missed_at + life.draws.within(0, 20) * DAY
    for fact in (declarations.TransferNoticeSent, declarations.ForbearanceAssessed):
        life.tell(at, fact, account_ids=debts, occurred_at=life.shifted(at))
    life.tell(at + DAY, declarations.DefaultNoticeServed, account_ids=debts)
    until = (at + life.draws.within(-10, 900) * DAY).date()
    life.tell(at + DAY, declarations.LimitationStated, account_ids=debts, until_on=until)


def _flags(life: Life) -> None:
    work = life.at(2, 30)
    life.tell(work, declarations.PointIsWorkEmail, point_id="email-1")
    life.tell(life.at(2, 30), declarations.ThirdPartyRefused, contacted=FAMILY)
    flagged = life.at(2, 60)
    life.tell(flagged, declarations.VulnerableFlagged)
    calls.ask(life, life.morning(flagged, 1), "vulnerable", channel="visit", point_id="postal-1", conduct=calls.AT_THE_DOOR)  # fmt: skip
    if life.draws.share() < 0.5:
        life.tell(flagged + 40 * DAY, declarations.VulnerableCleared)
    life.tell(work, declarations.StopSaid)
    life.tell(work + 20 * DAY, declarations.StopWithdrawn)


FATES: tuple[tuple[Callable[[Life], None], float], ...] = (
    (_opt_outs, 0.15),
    (_disputes, 0.10),
    (_validation, 0.06),
    (_late_letters, 0.15),
    (_times, 0.15),
    (_consents, 0.20),
    (_contacts_us, 0.25),
    (_plans, 0.05),
    (_troubles, 0.10),
    (_ends, 0.02),
    (_checks, 0.60),
    (_notices, 0.60),
    (_flags, 0.08),
    (calls.agencies_call, 0.10),
    (calls.asks, 0.35),
    (calls.insists, 0.08),
    (calls.locates, 0.06),
)
"""What may happen to a cardholder in arrears, and to what share of them; several things may."""
MERGED = 0.02


def seeded(life: Life, neighbour: str | None) -> Iterator[Event]:
    """Answer what is told of one cardholder; *neighbour*, another record, turns out to be the same person now and then."""
    for fate, share in FATES:
        if life.draws.share() < share:
            fate(life)
    if neighbour is not None and life.draws.share() < MERGED:
        life.tell(life.at(10, 60), core_banking.CustomerMerged, from_customer_id=neighbour)
    yield from life.told
