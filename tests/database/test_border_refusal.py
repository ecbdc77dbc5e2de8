"""Card and identity card numbers are stopped at the border, whatever field they stand in, and quarantined unread."""

from msgspec.structs import replace

from shared.events.core_banking import PaymentReversed
from shared.messaging.records import Record
from shared.testing import fact
from tests.database.ledger import ledger
from tests.database.support import always, missed, record
from tests.database.test_following import point, updated

CARD, ID = "4111111111111111", "11010519491231002X"


async def test_a_number_in_any_free_field_is_quarantined_by_the_fields_name(make_shell, db):
    reacts_to = frozenset({"payment.reversed", "customer.updated"})
    shell = make_shell(ledger(reacts_to=reacts_to))

    def reversal(customer, **fields):
        fields = {"payment_id": "P1", "account_id": "A1", "reason": "returned"} | fields
        return fact(PaymentReversed(customer_id=customer, **fields), event_id=f"E{customer}")

    facts = [
        reversal("C1", reason=f"card {CARD}"),
        reversal("C2", account_id=CARD),
        reversal("C3", reason="４１１１-1111-1111-1111"),
        fact(updated(replace(point(), kind="postal", value=f"1号 {ID}"), customer="C4")),
        replace(reversal("C5"), id=CARD),
        reversal("C6"),
        fact(updated(point("+8613800138000"), customer="C7")),
    ]
    result = await shell.handle([record(each, n) for n, each in enumerate(facts)], fresh=always)
    assert (result.decided, result.quarantined) == (2, 5)
    assert await db.rows("SELECT customer_id, reason, error FROM quarantine ORDER BY 1") == [
        ("C1", "personal_id", "data.reason: holds a payment card number"),
        ("C2", "personal_id", "data.account_id: holds a payment card number"),
        ("C3", "personal_id", "data.reason: holds a payment card number"),
        ("C4", "personal_id", "data.contact_points.value: holds an identity card number"),
        ("C5", "personal_id", "id: holds a payment card number"),
    ]
    everything = str(await db.contents())
    assert CARD not in everything
    assert ID not in everything


async def test_a_number_as_the_type_of_a_broken_record_is_not_kept_in_clear(shell, db):
    broken = Record(
        "core-banking", 0, 0, b"C1", b"{}", (("ce_type", CARD.encode()), ("ce_specversion", b"2"))
    )
    await shell.handle([broken, *[record(fact(missed("C2")), 1)]], fresh=always)
    assert await db.rows("SELECT type FROM quarantine") == [("",)]
