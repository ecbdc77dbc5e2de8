"""Whose a case is: region and portfolio, by which people see only theirs."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0013_reach"
down_revision = "0012_privacy"


def upgrade() -> None:
    for statement in statements("0013_reach"):
        op.execute(statement)
