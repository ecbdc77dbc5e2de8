"""Write the JSON Schema of packs: `python -m shared.compliance.schema > docs/reference/pack.schema.json`."""

import sys
from typing import Any

import msgspec

from shared.compliance.pack import Pack


def pack_schema() -> dict[str, Any]:
    """Answer what a document of a pack file must look like, for editors; the loader checks more than this."""
    schema = msgspec.json.schema(Pack)
    schema["$defs"]["Pack"]["properties"].pop("digest")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule pack of Arrears",
        **schema,
    }


def text() -> bytes:
    """Answer the file's bytes."""
    return msgspec.json.format(msgspec.json.encode(pack_schema(), order="sorted"), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(text())
