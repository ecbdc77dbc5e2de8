"""Facts that the service tells its own cases."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0018_onward"
down_revision = "0017_positions"


def upgrade() -> None:
    for statement in statements("0018_onward"):
        op.execute(statement)
