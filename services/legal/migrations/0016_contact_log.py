"""What was made of each effect before it left, for the contact log."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0016_contact_log"
down_revision = "0015_quarantine"


def upgrade() -> None:
    for statement in statements("0016_contact_log"):
        op.execute(statement)
