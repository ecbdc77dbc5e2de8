"""What a verification found."""

from dataclasses import dataclass, field

MOST_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: in which `table`, at which row or day, and what."""

    service: str
    table: str
    where: str
    what: str


@dataclass(slots=True)
class Report:
    """
    How much was checked, and what does not hold; `findings` keeps the first thousand, `more` counts the rest.

    `before_start` rows lie before the start of their chain: months of theirs were dropped, or they are older
    than the chains. `signed_only` roots are of days whose rows were dropped: signature and order were checked.
    """

    service: str
    rows: int = 0
    before_start: int = 0
    cases: int = 0
    acts: int = 0
    roots: int = 0
    signed_only: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    def find(self, table: str, where: str, what: str) -> None:
        """Note that something does not hold."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(self.service, table, where, what))
        else:
            self.more += 1
