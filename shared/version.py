"""Say which code is running: every decision records it."""

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parent.parent


@cache
def code_version() -> str:
    """Answer the release and a digest of the code that decides, such as 0.1.0+1f0c2a9b77de: other code, other version."""
    content = sha256()
    for folder in ("services", "shared"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            content.update(str(path.relative_to(ROOT)).encode())
            content.update(path.read_bytes())
    try:
        release = version("arrears")
    except PackageNotFoundError:
        release = "0"
    return f"{release}+{content.hexdigest()[:12]}"
