"""Make up customers, their accounts and how they can be reached. Nobody here exists.

Mobile numbers are of a series (101) that China's numbering plan gives to nobody, landlines begin with a 1,
which no subscriber's number does, addresses are in streets that do not exist, mail is at example domains.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from shared.events.core_banking import (
    AccountUpdated,
    ContactPoint,
    CustomerUpdated,
    Jurisdiction,
    Party,
    PointKind,
)
from shared.sandbox.chance import Draws

Product = Literal["credit_card", "consumer_loan", "auto_loan", "mortgage", "business_loan"]
CREDITOR = "example-bank"
PRODUCTS: Mapping[Product, float] = {
    "credit_card": 0.55,
    "consumer_loan": 0.21,
    "auto_loan": 0.10,
    "mortgage": 0.08,
    "business_loan": 0.06,
}
INSTALMENTS: Mapping[Product, tuple[int, int]] = {
    "credit_card": (300, 6_000),
    "consumer_loan": (1_000, 6_000),
    "auto_loan": (2_000, 6_000),
    "mortgage": (3_000, 15_000),
    "business_loan": (5_000, 40_000),
}
"""Least and most of a monthly instalment, in whole units of the currency."""
SECURED = frozenset({"auto_loan", "mortgage"})
REGIONS: Mapping[str, float] = {
    "CN-SH": 0.22,
    "CN-GD": 0.20,
    "CN-BJ": 0.15,
    "CN-ZJ": 0.13,
    "CN-JS": 0.12,
    "CN-SC": 0.12,
    "CN-XJ": 0.03,
    "HK": 0.03,
}
"""ISO 3166 codes of where customers live."""
CITIES = {
    "CN-SH": ("上海市", "8621"),
    "CN-GD": ("广州市", "8620"),
    "CN-BJ": ("北京市", "8610"),
    "CN-ZJ": ("杭州市", "86571"),
    "CN-JS": ("南京市", "8625"),
    "CN-SC": ("成都市", "8628"),
    "CN-XJ": ("乌鲁木齐市", "86991"),
    "HK": ("香港", "852"),
}
ZONES = {"CN-XJ": "Asia/Urumqi", "HK": "Asia/Hong_Kong"}
GRADES: Mapping[str | None, float] = {"A": 0.2, "B": 0.3, "C": 0.3, "D": 0.1, "E": 0.05, None: 0.05}
PREFERRED: Mapping[str | None, float] = {None: 0.8, "wechat": 0.1, "sms": 0.06, "email": 0.04}
OPTIONAL: tuple[tuple[str, PointKind, Party, float], ...] = (
    ("mobile-1", "mobile", "debtor", 0.97),
    ("mobile-2", "mobile", "debtor", 0.30),
    ("landline-1", "landline", "debtor", 0.15),
    ("email-1", "email", "debtor", 0.60),
    ("wechat-1", "wechat", "debtor", 0.70),
    ("postal-1", "postal", "debtor", 0.93),
    ("guarantor-1", "mobile", "guarantor", 0.10),
    ("co-debtor-1", "mobile", "co_debtor", 0.05),
    ("family-1", "mobile", "contact_person", 0.08),
)
"""Each kind of contact point with the share of customers that have it."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the portfolio; `base_minor` is its usual instalment, `swing` how much that varies."""

    account_id: str
    product: Product
    currency: str
    base_minor: int
    swing: bool

    def instalment_minor(self, due_on: date) -> int:
        """Answer the instalment that falls due on *due_on*: a card's differs from month to month."""
        if not self.swing:
            return self.base_minor
        percent = Draws("instalment", self.account_id, str(due_on)).within(75, 125)
        return self.base_minor * percent // 100


def account(customer_id: str, number: int, draws: Draws, currency: str = "CNY") -> Account:
    """Make up the account *number* of the customer."""
    product = draws.one_of(PRODUCTS)
    least, most = INSTALMENTS[product]
    return Account(
        account_id=f"{customer_id}-{number}",
        product=product,
        currency=currency,
        base_minor=draws.within(least * 10, most * 10) * 10,
        swing=product == "credit_card",
    )


def account_record(customer_id: str, of: Account, draws: Draws, start: date) -> AccountUpdated:
    """Answer what core banking says of the account."""
    return AccountUpdated(
        customer_id=customer_id,
        account_id=of.account_id,
        product=of.product,
        currency=of.currency,
        creditor=CREDITOR,
        collector_role="first_party",
        opened_on=start - timedelta(days=draws.within(400, 2500)),
        limit_minor=of.base_minor * 24 if of.product == "credit_card" else None,
        balance_minor=of.base_minor * draws.within(10, 30),
        secured=of.product in SECURED,
    )


def customer_record(
    customer_id: str, draws: Draws, *, only: tuple[str, ...] | None = None, grade: str | None = None
) -> CustomerUpdated:
    """
    Make up the customer; *only* names the contact points instead of drawing them, *grade* the risk grade.

    The same stream of numbers gives the same customer.
    """
    region = draws.one_of(REGIONS)
    zone = ZONES.get(region, "Asia/Shanghai")
    drawn = {point_id for point_id, *_, share in OPTIONAL if draws.share() < share}
    language = "en" if draws.share() < 0.06 else "zh-CN"  # noqa: PLR2004  a few read English
    drawn_grade = draws.one_of(GRADES)
    return CustomerUpdated(
        customer_id=customer_id,
        language=language,
        time_zones=(zone,),
        region=region,
        jurisdiction=Jurisdiction(country="HK" if region == "HK" else "CN"),
        risk_grade=grade or drawn_grade,
        preferred_channel=draws.one_of(PREFERRED),
        contact_points=tuple(
            _point(customer_id, point_id, kind, party, (region, zone))
            for point_id, kind, party, _ in OPTIONAL
            if point_id in (drawn if only is None else only)
        ),
    )


def _point(
    customer_id: str, point_id: str, kind: PointKind, party: Party, place: tuple[str, str]
) -> ContactPoint:
    region, zone = place
    draws = Draws("point", customer_id, point_id)
    city, area = CITIES[region]
    number = draws.within(0, 99_999_999)
    values = {
        "mobile": f"+86101{number:08d}",
        "landline": f"+{area}1{number % 10**7:07d}",
        "email": f"{customer_id.lower()}@example.{'cn' if number % 2 else 'com'}",
        "wechat": f"wx-example-{customer_id.lower()}",
        "postal": f"{city}示例路{number % 900 + 1}号{number % 30 + 1}室",
    }
    return ContactPoint(
        point_id=point_id,
        kind=kind,
        value=values[kind],
        zones=() if kind in {"email", "wechat"} and number % 5 == 0 else (zone,),
        party=party,
        obtained_via="contract" if party != "contact_person" else "application_form",
    )
