"""What `arrears serve` does: run one process under uvicorn, with settings checked before anything starts."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from shared.cli.output import fail
from shared.collector import collect_less
from shared.events.registry import SERVICES
from shared.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

SANDBOX = "sandbox"


def settings_or_fail() -> Settings:
    """
    Read the settings from the environment, and where it says nothing, from the `arrears up` or demo that
    runs in this folder. What is wrong or missing is said, and ends the command.
    """
    from pydantic import ValidationError  # noqa: PLC0415
    from pydantic_settings import SettingsError  # noqa: PLC0415

    for name, value in running_here().items():
        if f"{name}_FILE" not in os.environ:
            os.environ.setdefault(name, value)
    for name in ("ARREARS_KAFKA", "ARREARS_DATABASE_URL"):
        if not (os.environ.get(name) or os.environ.get(f"{name}_FILE")):
            fail(f"set {name}, or start `arrears up` in this folder")
    try:
        return Settings()
    except SettingsError as error:
        fail(str(error))
    except ValidationError as error:
        problems = [
            f"{_variable(problem['loc'])}{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
        fail("\n  ".join(["the settings are wrong:", *problems]))


def _variable(place: tuple[int | str, ...]) -> str:
    """Name the variable of a wrong field; what concerns several names them itself."""
    return f"ARREARS_{'_'.join(map(str, place)).upper()}: " if place else ""


def running_here() -> dict[str, str]:
    """Answer the settings that the `arrears up` or demo of this folder left for other commands."""
    if os.environ.get("ARREARS_MODE", "").strip().lower() == "production":
        return {}
    for run in ("up", "demo"):
        path = Path(".arrears") / run / "connection.json"
        if path.exists():
            found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
            return found
    return {}


def serve_process(name: str) -> None:
    """Run the service (or the sandbox) *name* until it is told to stop."""
    import uvicorn  # noqa: PLC0415

    if name not in (*SERVICES, SANDBOX):
        fail(f"{name!r} is no service; there are {', '.join((*SERVICES, SANDBOX))}")
    settings = settings_or_fail()
    if name == SANDBOX and settings.mode == "production":
        fail("the sandbox provider is for demo and tests: ARREARS_MODE=production has none")
    app = _sandbox() if name == SANDBOX else _service(name, settings)
    collect_less()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=10,
    )


def _service(name: str, settings: Settings) -> "FastAPI":
    from shared.http import create_app  # noqa: PLC0415
    from shared.services import parts  # noqa: PLC0415

    return create_app(parts(name), settings)


def _sandbox() -> "FastAPI":
    from shared.sandbox.app import SandboxSettings, create_sandbox_app  # noqa: PLC0415

    app = create_sandbox_app(SandboxSettings())

    @app.get("/readyz", tags=["health"])
    @app.get("/livez", tags=["health"])
    async def ready() -> dict[str, str]:
        """Answer as soon as the process takes requests: the sandbox depends on nothing."""
        return {"status": "pass"}

    return app
