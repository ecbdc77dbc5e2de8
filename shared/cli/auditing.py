"""What `arrears audit` does, with files or with the database of ARREARS_DATABASE_URL."""

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from shared.cli.output import fail, note, progress_bar, say
from shared.lawful.capture import read
from shared.lawful.replayed import reporter
from shared.lawful.report import Days, Report, said
from shared.lawful.words import Proof
from shared.services import strategy as load_strategy


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose contacts, of which local dates, judged by which packs and strategy (None: what ships), and how printed."""

    customer: str
    first: date | None
    last: date | None
    packs: Path | None
    strategy: Path | None
    as_json: bool


def audit_files(files: list[Path], wanted: Wanted, *, exact: bool) -> bool:
    """Audit files of events, print, and tell whether anything is wrong."""
    report = _report(wanted, exact=exact)
    with progress_bar("reading", sum(file.stat().st_size for file in files)) as advance:
        capture = read(files, advance)
    if capture.refused:
        note(f"{capture.refused:,} lines are no events of ours, and were passed over")
    if not capture.whole:
        fail(
            "these files hold no customer.updated: give the file of inputs too, for whose points and zones these are"
        )
    for events in capture.people(wanted.customer):
        for proof in report.add(report.auditor.person(events)):
            _show(proof, wanted)
    return _end(report, wanted)


def audit_database(wanted: Wanted) -> bool:
    """Audit the inboxes, print, and tell whether anything is wrong."""
    report = _report(wanted, exact=True)
    asyncio.run(_of_database(report, wanted))
    return _end(report, wanted)


async def _of_database(report: Report, wanted: Wanted) -> None:
    from shared.cli.serving import settings_or_fail  # noqa: PLC0415
    from shared.lawful.inboxes import audit  # noqa: PLC0415

    async for proof in audit(settings_or_fail().database_url, report, wanted.customer):
        _show(proof, wanted)


def _report(wanted: Wanted, *, exact: bool) -> Report:
    try:
        policy = load_strategy(wanted.strategy, wanted.packs)
    except (ValueError, OSError) as error:
        fail(str(error))
    days = Days(wanted.first, wanted.last)
    return reporter(policy, exact=exact, days=days, wholly=bool(wanted.customer))


def _show(proof: Proof, wanted: Wanted) -> None:
    say(msgspec.json.encode(proof).decode() if wanted.as_json else said(proof) + "\n")


def _end(report: Report, wanted: Wanted) -> bool:
    if wanted.as_json:
        say(msgspec.json.encode({"summary": report.summary()}).decode())
    else:
        say(report.sentence())
        for rule, count in sorted(report.tally.late_rules.items()):
            say(f"  {count:>9,}  {rule}")
    if wanted.customer and not report.tally.findings:
        note(f"no contact of {wanted.customer} was made in these days")
    return report.tally.wrong > 0
