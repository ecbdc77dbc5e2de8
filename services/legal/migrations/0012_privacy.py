"""What retention and forgetting need."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0012_privacy"
down_revision = "0011_audit"


def upgrade() -> None:
    for statement in statements("0012_privacy"):
        op.execute(statement)
