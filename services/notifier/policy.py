"""What the bank chooses about its messages: languages, deadlines, addresses, and how long a case remembers."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from shared.content.registry import COLLECTOR

_DAYS_TO_PAY = {
    "sms.reminder": 3,
    "wechat.reminder": 3,
    "email.final": 10,
    "letter.first": 14,
    "letter.final": 10,
}
_COLLECTOR = {"zh-CN": "受托催收机构", "en": "the collection agency"}
_CREDITORS = {"": {"zh-CN": "您的贷款银行", "en": "Your bank"}}


class NotifierPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """
    The bank's choices, with defaults; a part of what decides, so recorded with its digest.

    `keep`: how long after its last news a follow-up is remembered, so that a late receipt is still
    reported. `fresher`: for how long an opt-out or invalid point that came to the notifier counts against
    permits, because the scheduler may not have heard; `leave_kept`: how long that, and what was
    said of permits of unknown follow-ups, is remembered, and for how long after the window of a follow-up its
    picture is good enough for another choice. After a refusal for changed rule packs a step is not to be
    tried for `packs_pause`, after one that can only be a defect for `defect_pause`. `receipts_kept`: how many receipts for unknown effects a case holds at most (the newest).
    `languages`: those that have templates, the first of one family ("en" for "en-GB") wins;
    `fallback_language` for all others. `pay_within_days`: days that a text of this template grants,
    counted from the date of its figures; `pay_within_days_else` where a template is not named.
    `creditors`: how a creditor is called in a text, by its code (empty: not known) and then by language; a
    code that is not named stands for itself. `collector`: the name, by language, of who writes where the
    debt is collected for others (the texts that end in `.collector`). `hotline`, `complaints`, `website` are printed as they are.
    """

    keep: timedelta = timedelta(days=60)
    fresher: timedelta = timedelta(hours=1)
    leave_kept: timedelta = timedelta(days=1)
    packs_pause: timedelta = timedelta(minutes=15)
    defect_pause: timedelta = timedelta(hours=1)
    receipts_kept: int = 64
    languages: tuple[str, ...] = ("zh-CN", "en")
    fallback_language: str = "zh-CN"
    pay_within_days: Mapping[str, int] = msgspec.field(default_factory=lambda: dict(_DAYS_TO_PAY))
    pay_within_days_else: int = 5
    creditors: Mapping[str, Mapping[str, str]] = msgspec.field(
        default_factory=lambda: dict(_CREDITORS)
    )
    collector: Mapping[str, str] = msgspec.field(default_factory=lambda: dict(_COLLECTOR))
    hotline: str = "400-000-0000"
    complaints: str = "400-000-0001"
    website: str = "https://bank.example/repay"


def choose_language(wanted: str, policy: NotifierPolicy) -> str:
    """Answer the language of the texts for somebody who speaks *wanted* (a BCP 47 tag)."""
    if wanted in policy.languages:
        return wanted
    family = wanted.partition("-")[0].lower()
    for language in policy.languages:
        if language.partition("-")[0] == family:
            return language
    return policy.fallback_language


def days_to_pay(template: str, policy: NotifierPolicy) -> int:
    """Answer how many days a text of *template* grants; a collector's variant as many as the text itself."""
    return policy.pay_within_days.get(template.removesuffix(COLLECTOR), policy.pay_within_days_else)
