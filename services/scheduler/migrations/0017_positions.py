"""Up to where each partition of Kafka is saved: where a restored database begins to read again."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0017_positions"
down_revision = "0016_contact_log"


def upgrade() -> None:
    for statement in statements("0017_positions"):
        op.execute(statement)
