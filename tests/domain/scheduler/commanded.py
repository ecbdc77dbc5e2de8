"""What people command and customers declare, in few words."""

from datetime import date, datetime, time
from typing import Any

from shared.events import commands
from shared.events.commands import LocalWindow
from shared.events.envelope import Event
from tests.domain.scheduler.cases import said


def _by(model: type[commands.Said], when: datetime, **named: Any) -> Event:
    return said(model, when, by="u-7", reason="they rang us", **named)


def placed(when: datetime, hold_id: str = "H1", until_on: str = "") -> Event:
    until = date.fromisoformat(until_on) if until_on else None
    return _by(commands.HoldPlaced, when, hold_id=hold_id, until_on=until)


def let_go(when: datetime, hold_id: str = "H1") -> Event:
    return _by(commands.HoldReleased, when, hold_id=hold_id)


def wrote(when: datetime, message_id: str = "M1", **named: Any) -> Event:
    told = {
        "channel": "sms",
        "point_id": "p-mobile",
        "language": "zh-CN",
        "content": "txt:1:c2VhbGVk",
    }
    return _by(commands.MessageWritten, when, message_id=message_id, **(told | named))


def noted(when: datetime) -> Event:
    return _by(commands.NoteTaken, when, text="is looking for work")


def shut(when: datetime) -> Event:
    """A person closes the case."""
    return _by(commands.ClosureDecided, when, cause="goodwill")


def promise_taken(when: datetime, on: str, promise_id: str = "R1", **more: Any) -> Event:
    on_ = date.fromisoformat(on)
    return _by(commands.PromiseTaken, when, promise_id=promise_id, promised_on=on_, **more)


def says_paid(when: datetime, hold_id: str = "H1", paid_on: str = "", **more: Any) -> Event:
    paid = date.fromisoformat(paid_on) if paid_on else None
    return _by(commands.PaymentClaimed, when, hold_id=hold_id, paid_on=paid, **more)


def do_not_call(when: datetime) -> Event:
    return _by(commands.DoNotCallDeclared, when)


def disputed(when: datetime, hold_id: str = "H1") -> Event:
    return _by(commands.DisputeRaised, when, hold_id=hold_id, account_id="A")


def complained(when: datetime, hold_id: str = "H1") -> Event:
    return _by(commands.ComplaintRaised, when, hold_id=hold_id)


def in_hardship(when: datetime, hold_id: str = "H1", until_on: str = "") -> Event:
    until = date.fromisoformat(until_on) if until_on else None
    return _by(commands.HardshipDeclared, when, hold_id=hold_id, until_on=until)


def declared_opt_out(when: datetime, *, point_id: str | None = None, channel: Any = None) -> Event:
    scope = "point" if point_id else "channel"
    return _by(commands.OptOutDeclared, when, scope=scope, point_id=point_id, channel=channel)


def inconvenient(when: datetime, *windows: tuple[str, str], days: tuple[int, ...] = ()) -> Event:
    told = tuple(
        LocalWindow(start=time.fromisoformat(start), end=time.fromisoformat(end), days=days)
        for start, end in windows
    )
    return _by(commands.InconvenientDeclared, when, windows=told)


def represented(when: datetime, hold_id: str = "H1") -> Event:
    return _by(commands.AttorneyAppointed, when, hold_id=hold_id)
