"""Find the services by name: the one place where shared code reaches a service, and only through its values."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from shared.compliance.loading import load_packs
from shared.decision import Reactor
from shared.events.registry import SERVICES

STANDARD_STRATEGY = Path(__file__).parent.parent / "deploy" / "strategies" / "standard.yaml"
STANDARD_PACKS = Path(__file__).parent.parent / "deploy" / "packs"
STANDARD_CALENDARS = STANDARD_PACKS.parent / "calendars"


def reactor(name: str) -> Reactor[Any]:
    """Answer the service's Reactor; raises ValueError for a name that is no service."""
    if name not in SERVICES:
        raise ValueError(f"{name!r} is no service; there are {', '.join(SERVICES)}")
    found = getattr(import_module(f"services.{name}.service"), name.upper())
    if not isinstance(found, Reactor):
        raise TypeError(f"services.{name}.service.{name.upper()} is no Reactor")
    return found


class Chosen(Protocol):
    """What the settings say of the scheduler's policy; "" is what ships with Arrears."""

    @property
    def strategy(self) -> str: ...
    @property
    def packs(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def calendars(self) -> str: ...


def configured(name: str, chosen: Chosen | None = None) -> Reactor[Any]:
    """Answer the service's Reactor with the policy that it runs with (None: what ships)."""
    found = reactor(name)
    if name != SERVICES[0]:
        return found
    if chosen is None:
        return replace(found, policy=strategy(None))
    said = (chosen.strategy, chosen.packs, chosen.content, chosen.calendars)
    return replace(found, policy=strategy(*(Path(each) if each else None for each in said)))


def packs_in_force(chosen: Chosen) -> frozenset[str]:
    """Name the rule packs of a process: what was permitted under others is not let out."""
    return frozenset(pack.name for pack in load_packs(Path(chosen.packs or STANDARD_PACKS)))


def parts(name: str) -> Any:
    """Answer the service's composition (shared.runtime.Parts): its reactor, routes and effects."""
    if name not in SERVICES:
        raise ValueError(f"{name!r} is no service; there are {', '.join(SERVICES)}")
    return import_module(f"services.{name}.main").PARTS


def strategy(
    path: Path | None,
    packs: Path | None = None,
    content: Path | None = None,
    calendars: Path | None = None,
) -> Any:
    """Read the scheduler's policy: strategy, packs, register of texts, calendars; None is what ships. Raises ValueError."""
    read = import_module("services.scheduler.loading").policy
    return read(
        path or STANDARD_STRATEGY, packs or STANDARD_PACKS, content, calendars or STANDARD_CALENDARS
    )


def standing() -> Any:
    """Answer the scheduler's function that tells how a customer stands (shared/replay/run.py, Standing)."""
    return import_module("services.scheduler.standing").standing


def reconciliation() -> Any:
    """Answer the scheduler's function that reads a page of the comparison with core banking's statements."""
    return import_module("services.scheduler.reconciliation").page
