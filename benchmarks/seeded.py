"""What people and agencies say about cardholders, made up by a seed: opt-outs, disputes, late letters, mergers, consents.

The facts come on top of a tape's own. They are chosen so that every rule of the country's packs is met by somebody.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec

from shared.events import agencies, commands, contacts, declarations
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event, Fact
from shared.events.registry import TYPE_OF
from shared.ids import derive
from shared.sandbox.chance import Draws

SOURCE = "/seeded"
AGENCY = "agency-1"
WHO = {"by": "seeded", "reason": "made up by the benchmark"}
GOOD: dict[str, Any] = {
    "tags": ["institution_identity", "debt_collector_disclosure"],
    "conduct": {"recording": True},
    "point_id": "mobile-1",
}
LOCATING = ("caller_name", "locate_statement")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass
class Life:
    """One cardholder in arrears since `missed_at`; facts are told at so many days from then on."""

    customer_id: str
    account_id: str
    missed_at: datetime
    country: str
    draws: Draws
    told: list[Event]

    def at(self, first: int, last: int, hour: int | None = None) -> datetime:
        """Draw an instant within the days; the hour is of UTC, drawn over the day where none is given."""
        day = self.missed_at.date() + timedelta(days=self.draws.within(first, last))
        chosen = self.draws.within(0, 23) if hour is None else hour
        return datetime.combine(day, time(chosen, self.draws.within(0, 59)), UTC)

    def tell(self, at: datetime, model: type[Fact], **fields: Any) -> None:
        """Note a fact that was told at that instant."""
        name = TYPE_OF[model]
        number = derive("seeded", self.customer_id, name, len(self.told))
        who = WHO if issubclass(model, commands.Said) else {}
        fact = msgspec.convert({"customer_id": self.customer_id, **who, **fields}, model)
        self.told.append(
            Event(id=number, source=SOURCE, type=name, subject=self.customer_id, time=at, data=fact)
        )


def _opt_outs(life: Life) -> None:
    scope: dict[str, str] = (
        {"scope": "point", "point_id": "mobile-1"},
        {"scope": "channel", "channel": "sms"},
        {"scope": "topic", "topic": "arrears"},
        {"scope": "caller"},
    )[life.draws.within(0, 3)]
    first = life.at(2, 30)
    life.tell(first, commands.OptOutDeclared, **scope)
    if life.draws.share() < 0.4:
        life.tell(first + 20 * DAY, declarations.OptInDeclared, **scope)
    if life.draws.share() < 0.3:
        life.tell(life.at(5, 40), commands.DoNotCallDeclared)


def _disputes(life: Life) -> None:
    opened, case = life.at(1, 20), derive("seeded", life.customer_id, "dispute")
    back = opened - 30 * HOUR if life.draws.share() < 0.5 else opened
    if life.country == "US":
        told = {"case": case, "account_ids": [life.account_id]}
        life.tell(opened, declarations.DisputeWrittenTimely, **told, occurred_at=back)
        life.tell(opened + 12 * DAY, declarations.VerificationSent, **told)
        return
    life.tell(
        opened, commands.DisputeRaised, hold_id=case, account_id=life.account_id, occurred_at=back
    )
    life.tell(opened + 12 * DAY, commands.HoldReleased, hold_id=case)


def _late_letters(life: Life) -> None:
    """A letter is scanned two days after it came: contacts in between were lawful on what was known."""
    scanned = life.at(3, 40)
    ended, came = scanned + 30 * DAY, scanned - life.draws.within(20, 60) * HOUR
    match life.draws.within(0, 3):
        case 0:
            debts = [life.account_id]
            life.tell(scanned, declarations.CeaseWritten, occurred_at=came, account_ids=debts)
            life.tell(ended, declarations.CeaseWithdrawn, account_ids=debts)
        case 1:
            hold = derive("seeded", life.customer_id, "attorney")
            life.tell(scanned, commands.AttorneyAppointed, occurred_at=came, hold_id=hold)
            life.tell(ended, declarations.AttorneyReleased, hold_id=hold)
        case 2:
            life.tell(scanned, declarations.BankruptcyFiled, occurred_at=came, case="bk")
            life.tell(ended, declarations.BankruptcyClosed, case="bk")
        case _:
            life.tell(scanned, declarations.EmployerProhibits, occurred_at=came)


def _times(life: Life) -> None:
    begin = life.draws.within(8, 18)
    window = {"start": f"{begin:02d}:00:00", "end": f"{begin + 3}:00:00", "days": [1, 2, 3]}
    first = life.at(1, 15)
    life.tell(first, commands.InconvenientDeclared, windows=[window])
    if life.draws.share() < 0.3:
        life.tell(first + 15 * DAY, declarations.InconvenientWithdrawn)


def _consents(life: Life) -> None:
    kind = ("quiet_hours", "callback", "attempts", "time", "locate_again")[life.draws.within(0, 4)]
    first = life.at(1, 30)
    life.tell(first, declarations.ConsentGiven, kind=kind, days=life.draws.within(3, 30))
    if life.draws.share() < 0.4:
        life.tell(first + 4 * DAY, declarations.ConsentWithdrawn, kind=kind)


def _calls_us(life: Life) -> None:
    channel, result = (("call", "effective"), ("sms", "delivered"))[life.draws.within(0, 1)]
    life.tell(
        life.at(1, 40, hour=5), contacts.ContactReceived, channel=channel, result=result,
        point_id="mobile-1", account_ids=[life.account_id],
    )  # fmt: skip


def _plans(life: Life) -> None:
    first = life.at(3, 30)
    life.tell(first, declarations.PlanActive, case="plan", account_ids=[life.account_id])
    life.tell(first + 25 * DAY, declarations.PlanBroken, case="plan")


def _agencies(life: Life) -> None:
    """An agency calls three times a day, and tells so at once or a day later: its calls count with the bank's."""
    placed = life.at(1, 10)
    life.tell(placed, agencies.AgencyEngaged, placement_id="p1", agency=AGENCY, on_public_list=True)
    day, home = placed + life.draws.within(2, 20) * DAY, 14 if life.country == "US" else 2
    for number in range(3):
        called = day.replace(hour=home + 2 * number)
        told = called + timedelta(minutes=5 if life.draws.share() < 0.7 else 1500)
        life.tell(
            told, agencies.AgencyReported, contact_id=f"k{number}", agency=AGENCY, occurred_at=called,
            channel="call", result="effective", point_id="mobile-1", account_ids=[life.account_id],
        )  # fmt: skip
    _ask(life, day.replace(hour=home + 6), "after the agency", GOOD)


def _ask(life: Life, at: datetime, name: str | int, way: dict[str, Any]) -> None:
    permit_id = derive("seeded", life.customer_id, "permit", name)
    life.tell(at, contacts.PermitAsked, permit_id=permit_id, channel="call", **way)


def _asks(life: Life) -> None:
    """People ask for leave to call: rightly, without recording, with words that are forbidden, whom they may not."""
    home = 14 if life.country == "US" else 2
    tags = GOOD["tags"]
    ways: tuple[dict[str, Any], ...] = (
        {},
        {"conduct": {"recording": False}},
        {"tags": [*tags, "threat"]},
        {"tags": []},
        {"place": "work"},
        {"point_id": "family-1"},
        {"point_id": "family-1", "purpose": "locate", "tags": [*tags, *LOCATING]},
        {"account_ids": [life.account_id]},
    )
    for number in range(life.draws.within(2, 6)):
        way = {**GOOD, **ways[life.draws.within(0, len(ways) - 1)]}
        hour = None if life.draws.share() < 0.3 else home + life.draws.within(0, 6)
        _ask(life, life.at(2, 45, hour), number, way)


def _insists(life: Life) -> None:
    """One who calls again and again on one day, to the debtor and to a third person."""
    home = 14 if life.country == "US" else 2
    first = life.at(2, 30, home)
    for number in range(9):
        _ask(life, first + number * timedelta(seconds=10), f"again {number}", GOOD)
    for number in range(2):
        way = {
            **GOOD,
            "point_id": "family-1",
            "purpose": "locate",
            "tags": [*GOOD["tags"], *LOCATING],
        }
        _ask(life, first + HOUR + number * timedelta(seconds=10), f"locate {number}", way)


def _checks(life: Life) -> None:
    """A look-up says that the number is still theirs: without it no message may go to it in the US."""
    for day in range(1, 120, 50):
        at = life.missed_at + day * DAY
        life.tell(at, declarations.ReassignedCheckClean, point_id="mobile-1")


def _flags(life: Life) -> None:
    life.tell(life.at(2, 30), declarations.PointIsWorkEmail, point_id="email-1")
    life.tell(life.at(2, 30), declarations.ThirdPartyRefused, contacted="family-1")
    life.tell(life.at(2, 60), declarations.VulnerableFlagged)


FATES: tuple[tuple[Callable[[Life], None], float], ...] = (
    (_opt_outs, 0.15),
    (_disputes, 0.12),
    (_late_letters, 0.15),
    (_times, 0.15),
    (_consents, 0.20),
    (_calls_us, 0.25),
    (_plans, 0.05),
    (_agencies, 0.10),
    (_asks, 0.35),
    (_insists, 0.05),
    (_checks, 0.60),
    (_flags, 0.08),
)
"""What may happen to a cardholder in arrears, and to what share of them; several things may."""
MERGED = 0.01


def seeded(life: Life, neighbour: str | None) -> Iterator[Event]:
    """Answer what is told of one cardholder; *neighbour*, another record, turns out to be the same person now and then."""
    for fate, share in FATES:
        if life.draws.share() < share:
            fate(life)
    if neighbour is not None and life.draws.share() < MERGED:
        life.tell(life.at(10, 60), CustomerMerged, from_customer_id=neighbour)
    yield from life.told
