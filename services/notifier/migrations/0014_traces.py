"""The thread that a case and its effects are followed by."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0014_traces"
down_revision = "0013_reach"


def upgrade() -> None:
    for statement in statements("0014_traces"):
        op.execute(statement)
