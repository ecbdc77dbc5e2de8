"""The vault of contact values, which the notifier owns."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0002_vault"
down_revision = "0001_runtime"


def upgrade() -> None:
    for statement in statements("0001_vault"):
        op.execute(statement)
