"""In whose files a number stands: caps per number are shared between their cases."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0019_holders"
down_revision = "0018_onward"


def upgrade() -> None:
    for statement in statements("0019_holders"):
        op.execute(statement)
