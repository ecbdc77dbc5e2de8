"""Write the JSON Schema of a replay's summary: `python -m shared.replay.schema > docs/reference/summary.schema.json`."""

import sys
from typing import Any

import msgspec

from shared.replay.summary import Summary


def summary_schema() -> dict[str, Any]:
    """Answer the JSON Schema (2020-12) of SUMMARY.json."""
    schema = msgspec.json.schema(Summary)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def text() -> bytes:
    """Answer the schema as it stands in the repository."""
    return (
        msgspec.json.format(msgspec.json.encode(summary_schema(), order="sorted"), indent=2) + b"\n"
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(text())
