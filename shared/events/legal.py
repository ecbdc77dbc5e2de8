"""What legal publishes about its steps, and the courts' notices that it takes in over HTTP."""

from typing import Literal

from shared.events.envelope import AmountMinor, Currency, DateOn, Fact, Instant, Name


class LegalAssessed(Fact, frozen=True, kw_only=True):
    """
    Whether the case is fit for the court; `reasons` names each criterion that speaks against it.

    An unfit case is assessed again later, unless this was the `final` time.
    """

    assessment_id: Name
    follow_up_id: Name
    episode: int
    fit: bool
    reasons: tuple[str, ...] = ()
    final: bool = False


class LegalLetterSent(Fact, frozen=True, kw_only=True):
    """
    The demand letter was handed to the post; `reply_by_on` is the deadline that it sets.

    It is the letter of claim of `accounts` (for the gate `letter_of_claim.dated`), dated at the event's time.
    """

    follow_up_id: Name
    effect_id: Name
    reply_by_on: DateOn
    permit_id: str = ""
    point_id: str = ""
    accounts: tuple[Name, ...] = ()


class LegalFiled(Fact, frozen=True, kw_only=True):
    """The claim was handed to the court."""

    filing_id: Name
    follow_up_id: Name
    court: str
    amount_minor: AmountMinor
    currency: Currency


class LegalAccepted(Fact, frozen=True, kw_only=True):
    """The court took the claim in, under its case number."""

    filing_id: Name
    case_no: str


class LegalJudged(Fact, frozen=True, kw_only=True):
    """The court decided."""

    filing_id: Name
    result: Literal["granted", "dismissed", "settled"]


class LegalEnforced(Fact, frozen=True, kw_only=True):
    """Enforcement of the judgment ended: with money, or without assets found."""

    filing_id: Name
    result: Literal["recovered", "no_assets"]


class LegalWithdrawn(Fact, frozen=True, kw_only=True):
    """
    Legal steps under way end: paid up, cancelled, or given up.

    `permit_id` is that of a letter of which nobody knows whether it left (`letter: unknown`).
    """

    follow_up_id: Name
    reason: str
    permit_id: str = ""


class CourtNotice(Fact, frozen=True, kw_only=True):
    """
    What the court, the post (or our own effect worker) says of an effect.

    `outcome`: sent (handed over), delivered (letter), accepted, rejected, granted, dismissed, settled,
    recovered, no_assets, or failed, refused, unknown as for every effect.
    """

    effect_id: Name
    outcome: Literal[
        "sent",
        "delivered",
        "accepted",
        "rejected",
        "granted",
        "dismissed",
        "settled",
        "recovered",
        "no_assets",
        "failed",
        "refused",
        "unknown",
    ]
    reason: str = ""
    case_no: str = ""
    at: Instant | None = None


PUBLISHED: dict[str, type[Fact]] = {
    "legal.assessed": LegalAssessed,
    "legal.letter_sent": LegalLetterSent,
    "legal.filed": LegalFiled,
    "legal.accepted": LegalAccepted,
    "legal.judged": LegalJudged,
    "legal.enforced": LegalEnforced,
    "legal.withdrawn": LegalWithdrawn,
}

BY_HTTP: dict[str, type[Fact]] = {"court.notice": CourtNotice}
