"""The image without Docker: what deploy/Dockerfile copies, and an interpreter that finds the production packages alone."""

import shutil
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-production.lock"
BUILT_IN = (
    "services",
    "shared",
    *(f"deploy/{part}" for part in ("strategies", "packs", "calendars", "content", "mappings")),
)


def locked(path: Path) -> dict[str, str]:
    """The lines of a lock by package: version, condition and hashes."""
    blocks: dict[str, str] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line[0] not in " #\n":
            name = line.split("==")[0]
        blocks[name] = blocks.get(name, "") + line
    return blocks


class Image:
    """`app` is /app, `bin` is what PATH leads to."""

    def __init__(self, folder: Path) -> None:
        self.app = folder / "app"
        for part in BUILT_IN:
            shutil.copytree(
                ROOT / part, self.app / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        venv.create(folder / "venv", symlinks=True)
        self.bin = folder / "venv" / "bin"
        packages = next((folder / "venv" / "lib").glob("python3*")) / "site-packages"
        for name in locked(LOCK):
            link(name, packages)
        (packages / "arrears.pth").write_text(f"{self.app}\n")
        self._command()

    def _command(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        module, function = project["scripts"]["arrears"].split(":")
        script = self.bin / "arrears"
        script.write_text(
            f"#!{self.bin / 'python'}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
        )
        script.chmod(0o755)


def link(name: str, packages: Path) -> None:
    """Let *packages* show an installed distribution; nothing where its condition does not hold on this machine."""
    try:
        found = distribution(name)
    except ModuleNotFoundError:
        return
    tops = {Path(file).parts[0] for file in found.files or () if Path(file).parts[0] != ".."}
    for top in sorted(tops - {"__pycache__"}):
        target = packages / top
        if not target.exists():
            target.symlink_to(Path(str(found.locate_file(top))).resolve())
