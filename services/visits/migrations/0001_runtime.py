"""The runtime's tables."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0001_runtime"
down_revision = None


def upgrade() -> None:
    for statement in statements("0001_runtime"):
        op.execute(statement)
