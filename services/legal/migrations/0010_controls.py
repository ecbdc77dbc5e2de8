"""Stop switch, fuses, mass failures, and when core banking was last heard."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0010_controls"
down_revision = "0001_runtime"


def upgrade() -> None:
    for statement in statements("0010_controls"):
        op.execute(statement)
