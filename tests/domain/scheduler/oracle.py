"""What is unpaid, reckoned again from the text of DESIGN.md section 3, coin by coin: slow, and nothing shared."""

from collections import defaultdict
from typing import Any

from shared.events.envelope import Event

ENDS_COLLECTION = ("settled", "sold", "withdrawn")


def reckon(events: list[Event]) -> dict[tuple[str, str], int]:
    """Answer what is owed and left, by (account, instalment)."""
    left: dict[tuple[str, str], int] = {}
    by_account: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_account[event.data.account_id].append(event)  # type: ignore[attr-defined]
    for account_id, own in by_account.items():
        if any(e.type == "account.closed" and e.data.cause in ENDS_COLLECTION for e in own):  # type: ignore[attr-defined]
            continue
        for instalment_id, amount in _account(own).items():
            if amount:
                left[account_id, instalment_id] = amount
    return left


def _account(own: list[Event]) -> dict[str, int]:
    claims = _claims(own)
    coins = {name: claim["amount"] for name, claim in claims.items()}
    payments = _payments(own)
    for payment in payments:
        for name, amount in payment["parts"]:
            claim = claims.get(name)
            if claim and payment["reversed"] and payment["currency"] == claim["currency"]:
                was_netted = payment["time"] <= claim["as_of"]
                if was_netted and payment["reversed"] > claim["as_of"]:
                    coins[name] += amount
    for payment in sorted(
        payments, key=lambda entry: (entry["value_on"], entry["time"], entry["id"])
    ):
        if not payment["reversed"]:
            _spend(payment, claims, coins)
    return {name: amount for name, amount in coins.items() if claims[name]["owed"]}


def _spend(payment: Any, claims: Any, coins: dict[str, int]) -> None:
    purse = payment["amount"]
    for name, amount in payment["parts"]:
        if name in claims or "opening" not in claims:
            for _ in range(amount):
                if _pays(payment, claims.get(name)):
                    if coins[name]:
                        coins[name] -= 1
                        purse -= 1
                else:
                    purse -= 1
    line = sorted(claims, key=lambda name: (not claims[name]["owed"], claims[name]["due_on"], name))
    while purse > 0:
        payable = [name for name in line if coins[name] and _pays(payment, claims[name])]
        if not payable:
            return
        coins[payable[0]] -= 1
        purse -= 1


def _pays(payment: Any, claim: Any) -> bool:
    return (
        bool(claim)
        and payment["currency"] == claim["currency"]
        and payment["time"] > claim["as_of"]
    )


def _claims(own: list[Event]) -> dict[str, Any]:
    """The word that counts on each instalment."""
    words: dict[str, list[Any]] = defaultdict(list)
    for event in own:
        data: Any = event.data
        if event.type in {"payment.due", "payment.missed", "instalment.changed"}:
            as_of = getattr(data, "as_of", None) or event.time
            words[data.instalment_id].append(
                _claim(event, as_of, data.due_on, data.amount_minor, event.type != "payment.due")
            )
    statements = sorted((e.time, e.id) for e in own if e.type == "account.stated")
    if statements:
        first = next(e for e in own if (e.time, e.id) == statements[0])
        speaks = {"payment.missed", "instalment.changed", "payment.received", "payment.reversed"}
        if not any(e.type in speaks and e.time < first.time for e in own):
            data = first.data
            lines = [(x.instalment_id, x.due_on, x.amount_minor) for x in data.instalments]
            if not lines and data.overdue_minor:
                lines = [("opening", data.oldest_due_on or data.as_of_on, data.overdue_minor)]
            for name, due_on, amount in lines:
                words[name].append(_claim(first, first.time, due_on, amount, True))
    return {
        name: max(said, key=lambda w: (w["owed"], w["as_of"], w["time"], w["id"]))
        for name, said in words.items()
    }


def _claim(event: Event, as_of: Any, due_on: Any, amount: int, owed: bool) -> Any:
    currency = event.data.currency  # type: ignore[attr-defined]
    return {
        "as_of": as_of, "time": event.time, "id": event.id, "due_on": due_on, "amount": amount,
        "currency": currency, "owed": owed,
    }  # fmt: skip


def _payments(own: list[Event]) -> list[Any]:
    told: dict[str, Any] = {}
    for event in sorted(own, key=lambda e: (e.time, e.id)):
        data: Any = event.data
        if event.type == "payment.received" and data.payment_id not in told:
            told[data.payment_id] = {
                "amount": data.amount_minor, "currency": data.currency, "value_on": data.value_on,
                "time": event.time, "id": event.id, "reversed": None,
                "parts": [(part.instalment_id, part.amount_minor) for part in data.allocations],
            }  # fmt: skip
    for name, payment in told.items():
        ends = [e.time for e in own if e.type == "payment.reversed" and e.data.payment_id == name]  # type: ignore[attr-defined]
        payment["reversed"] = min(ends, default=None)
    return list(told.values())
