"""Find the services by name: the one place where shared code reaches a service, and only through its values."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from shared.decision import Reactor
from shared.events.registry import SERVICES

STANDARD_STRATEGY = Path(__file__).parent.parent / "deploy" / "strategies" / "standard.yaml"


def reactor(name: str) -> Reactor[Any]:
    """Answer the service's Reactor; raises ValueError for a name that is no service."""
    if name not in SERVICES:
        raise ValueError(f"{name!r} is no service; there are {', '.join(SERVICES)}")
    found = getattr(import_module(f"services.{name}.service"), name.upper())
    if not isinstance(found, Reactor):
        raise TypeError(f"services.{name}.service.{name.upper()} is no Reactor")
    return found


def configured(name: str, strategy_path: str = "") -> Reactor[Any]:
    """Answer the service's Reactor with the policy that it runs with; *strategy_path* "" is the standard ladder."""
    found = reactor(name)
    if name != SERVICES[0]:
        return found
    return replace(found, policy=strategy(Path(strategy_path) if strategy_path else None))


def parts(name: str) -> Any:
    """Answer the service's composition (shared.runtime.Parts): its reactor, routes and effects."""
    if name not in SERVICES:
        raise ValueError(f"{name!r} is no service; there are {', '.join(SERVICES)}")
    return import_module(f"services.{name}.main").PARTS


def strategy(path: Path | None) -> Any:
    """Read the scheduler's strategy; None is the standard one that ships with Arrears. Raises ValueError."""
    return import_module("services.scheduler.strategy").load(path or STANDARD_STRATEGY)


def standing() -> Any:
    """Answer the scheduler's function that tells how a customer stands (shared/replay/run.py, Standing)."""
    return import_module("services.scheduler.standing").standing


def reconciliation() -> Any:
    """Answer the scheduler's function that reads a page of the comparison with core banking's statements."""
    return import_module("services.scheduler.reconciliation").page
