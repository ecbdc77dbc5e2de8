"""Facts that the service tells its own cases."""

from alembic import op

from shared.messaging.ddl import statements

revision = "0018_onward"
down_revision = "0017_positions"


def upgrade() -> None:
    for statement in statements("0018_onward"):
        op.execute(statement)
    # both cases of a merger were only held until now: look at them, so that the one that ended hands over
    op.execute(
        "UPDATE cases SET wake_at = '1970-01-01T00:00:00Z' WHERE jsonb_exists(state, 'merged')"
    )
