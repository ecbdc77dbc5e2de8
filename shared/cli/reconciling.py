"""`arrears reconcile` and `arrears contacts`: what auditors and the bank's accountants ask for, from the database."""

import asyncio
import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer

from shared.cli.output import fail, say

Day = Annotated[str, typer.Option(help="A day, for example 2026-03-02.")]
SERVICES_THAT_CONTACT = ("notifier", "visits", "legal")
COLUMNS = (
    "left_at", "service", "channel", "point_id", "template", "template_version", "body_hash", "outcome",
    "outcome_at", "effect_id",
)  # fmt: skip
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command()(reconcile)
    app.command()(contacts)


def reconcile(
    json_: Annotated[
        bool, typer.Option("--json", help="One JSON object a line: accounts, then totals.")
    ] = False,
) -> None:
    """Compare our overdue with core banking's statements: the accounts that differ, and totals. Exit 1 if any differs."""
    if asyncio.run(_reconcile(as_json=json_)):
        raise typer.Exit(1)


def contacts(
    customer: Annotated[str, typer.Option(help="The customer's id.")],
    date_: Annotated[str, typer.Option("--date", help="One day, for example 2026-03-02.")] = "",
    from_: Annotated[str, typer.Option("--from", help="The first day.")] = "",
    to: Annotated[str, typer.Option(help="The last day.")] = "",
    zone: Annotated[str, typer.Option(help="In which the days count.")] = "Asia/Shanghai",
    csv_: Annotated[
        bool, typer.Option("--csv", help="Comma-separated, for a spreadsheet.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what left for a customer: channel, reference, text and version, hash, outcome."""
    first = _day(date_ or from_ or "1971-01-01")
    last = _day(date_ or to or "9000-01-01")
    found = asyncio.run(_contacts(customer, first, last, zone))
    if json_:
        for each in found:
            say(each.model_dump_json())
    elif csv_:
        say(as_csv(COLUMNS, (_row(each) for each in found)).rstrip("\n"))
    else:
        for each in found:
            row = _row(each)
            say("  ".join(str(value) for value in row[:-1]))
        say(f"{len(found)} contacts")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write CSV (RFC 4180, LF) whose cells no spreadsheet takes for a formula: such a cell gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(str(value)) for value in row])
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" \u3000\ufeff").startswith(_STARTS_A_FORMULA) else cell


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        fail(f"{said!r} is no day; write it like 2026-03-02")


def _row(each: Any) -> tuple[Any, ...]:
    last: datetime | str = max((told.at for told in each.told), default="")
    return (
        each.left_at.isoformat(), each.service, each.channel, each.point_id, each.template,
        each.template_version, each.body_hash, each.outcome,
        last.isoformat() if isinstance(last, datetime) else last, each.effect_id,
    )  # fmt: skip


async def _contacts(customer: str, first: date, last: date, zone: str) -> list[Any]:
    from zoneinfo import ZoneInfoNotFoundError  # noqa: PLC0415

    from shared.cli.serving import settings_or_fail  # noqa: PLC0415
    from shared.contact_log import between, contacts_of  # noqa: PLC0415
    from shared.db import engine_for  # noqa: PLC0415

    try:
        window = between(first, last, zone)
    except (ZoneInfoNotFoundError, ValueError):
        fail(f"{zone!r} is no time zone of the IANA database")
    settings = settings_or_fail()
    found: list[Any] = []
    for service in SERVICES_THAT_CONTACT:
        engine = engine_for(settings.database_url, service, pool_size=1, name="contacts")
        after: int | None = 0
        async with engine.connect() as connection:
            while after is not None:
                page = await contacts_of(connection, service, customer, window, after=after)
                found += page.contacts
                after = page.next
        await engine.dispose()
    return sorted(found, key=lambda each: (each.left_at, each.effect_id))


async def _reconcile(*, as_json: bool) -> int:
    """Print the comparison; answer how many accounts differ."""
    from shared.cli.serving import settings_or_fail  # noqa: PLC0415
    from shared.db import engine_for  # noqa: PLC0415
    from shared.services import reconciliation  # noqa: PLC0415

    page_of = reconciliation()
    engine = engine_for(settings_or_fail().database_url, "scheduler", pool_size=1, name="reconcile")
    totals: dict[str, Any] = {}
    after: str | None = ""
    not_stated = 0
    async with engine.connect() as connection:
        while after is not None:
            page = await page_of(connection, after=after)
            for line in page.accounts:
                if as_json:
                    say(line.model_dump_json())
                elif line.status == "differs":
                    say("\n".join(_differs(line)))
            for total in page.totals:
                _add(totals, total)
            not_stated += page.not_stated
            after = page.next
    await engine.dispose()
    for currency in sorted(totals):
        total = totals[currency]
        say(
            total.model_dump_json()
            if as_json
            else f"{currency}: {total.accounts} accounts, stated {total.stated_minor}, "
            f"derived {total.derived_minor}, {total.differing} differ"
        )
    if not as_json:
        say(f"{not_stated} accounts with amounts have no statement")
    return sum(total.differing for total in totals.values())


def _differs(line: Any) -> list[str]:
    head = (
        f"{line.customer_id} {line.account_id} as of {line.as_of_on}: "
        f"stated {line.stated_minor}, derived {line.derived_minor} {line.currency}"
    )
    instalments = [
        f"    instalment {each.instalment_id} due {each.due_on}: {each.asserted_minor}, left {each.left_minor}"
        for each in line.instalments
    ]
    payments = [
        f"    payment {each.payment_id} value {each.value_on}: {each.amount_minor}"
        f"{'' if each.counts else ', reversed' if each.reversed else ', later'}"
        for each in line.payments
    ]
    return [head, *instalments, *payments]


def _add(totals: dict[str, Any], total: Any) -> None:
    known = totals.get(total.currency)
    if known is None:
        totals[total.currency] = total.model_copy()
        return
    for name in ("accounts", "differing", "stated_minor", "derived_minor"):
        setattr(known, name, getattr(known, name) + getattr(total, name))
