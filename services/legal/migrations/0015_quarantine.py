"""Looking through the quarantine: a fingerprint for each entry, and indexes."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0015_quarantine"
down_revision = "0014_traces"


def upgrade() -> None:
    for statement in statements("0015_quarantine"):
        op.execute(statement)
