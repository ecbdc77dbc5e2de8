"""The audit trail: chained rows, the acts of people, signed roots, and roles that can only append."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0011_audit"
down_revision = "0010_controls"


def upgrade() -> None:
    for statement in statements("0011_audit"):
        op.execute(statement)
