"""What retention and forgetting need, and the vault's look-up hashes."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0012_privacy"
down_revision = "0011_audit"


def upgrade() -> None:
    for name in ("0012_privacy", "0012_vault"):
        for statement in statements(name):
            op.execute(statement)
