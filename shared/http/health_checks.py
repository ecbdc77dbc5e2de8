"""Judge the figures of a survey: each becomes a check with value, unit, time and pass, warn or fail."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from shared.messaging.cloudevents import rfc3339
from shared.messaging.controls import Controls
from shared.messaging.figures import Figures
from shared.messaging.silence import Hush
from shared.runtime import Runtime
from shared.survey import Readiness, View
from shared.version import code_version

Status = Literal["pass", "warn", "fail"]
SEVERITY: tuple[Status, ...] = ("pass", "warn", "fail")

SLOW_SECONDS = 1.0
MUCH_LAG = 10_000
OLD_OUTBOX_SECONDS = 10.0
OLD_DUE_SECONDS = 300.0
OLD_SENDING_SECONDS = 120.0
LATE_WAKEUP_SECONDS = 60.0
"""Beyond these somebody should look; the alerts of deploy/prometheus/alerts.yaml wait a little longer."""


@dataclass(frozen=True, slots=True)
class Check:
    """One figure: `component` tells apart those of one name; `output` says what is wrong."""

    name: str
    value: float | str
    unit: str
    status: Status = "pass"
    component: str = ""
    output: str = ""


def health_of(runtime: Runtime, view: View) -> dict[str, Any]:
    """Answer the body of /health."""
    checks = [*_checks(runtime, view)]
    worst = max((check.status for check in checks), key=SEVERITY.index, default="pass")
    if view.readiness.reasons:
        worst = "fail"
    at = rfc3339(view.at)
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for check in checks:
        grouped[check.name].append(
            {
                **({"componentId": check.component} if check.component else {}),
                "componentType": "datastore"
                if check.name.startswith(("database", "kafka"))
                else "component",
                "observedValue": check.value,
                "observedUnit": check.unit,
                "status": check.status,
                "time": at,
                **({"output": check.output} if check.output else {}),
            }
        )
    return {
        "status": worst,
        "serviceId": runtime.reactor.name,
        "description": f"Arrears {runtime.reactor.name}",
        "releaseId": code_version(),
        "notes": list(view.readiness.reasons),
        "checks": dict(grouped),
    }


def _checks(runtime: Runtime, view: View) -> Iterator[Check]:
    vitals = runtime.consumer.vitals
    yield Check("loop:turned", round(vitals.turned_for(), 1), "s")
    yield from _readiness(view.readiness)
    if view.lag is not None:
        by_topic: dict[str, int] = defaultdict(int)
        for tp, behind in view.lag.items():
            by_topic[tp.topic] += behind
        for topic, behind in by_topic.items():
            yield Check("kafka:lag", behind, "records", _over(behind, MUCH_LAG), topic)
    if view.hush is not None and runtime.silence.hours:
        yield _hush(view.hush, runtime.silence.hours)
    if view.figures is not None:
        yield from _figures(view.figures)
    if view.readiness.controls is not None:
        yield from _controls(view.readiness.controls)


def _readiness(found: Readiness) -> Iterator[Check]:
    for name, asked in found.dependencies.items():
        status: Status = "fail" if asked.trouble else _over(asked.seconds, SLOW_SECONDS)
        key = f"{'kafka' if name == 'broker' else name}:response"
        yield Check(key, round(1000 * asked.seconds, 1), "ms", status, output=asked.trouble)
    yield Check("kafka:assignment", len(found.partitions), "partitions")
    stale = found.stale_partitions
    yield Check("core-banking:stale", len(stale), "partitions", "warn" if stale else "pass")
    if found.outbox is not None:
        rows, age = found.outbox
        yield Check("outbox:rows", rows, "rows")
        yield Check("outbox:age", round(age, 1), "s", _over(age, OLD_OUTBOX_SECONDS))
    yield Check("relay:role", "leader" if found.is_leader else "standby", "")
    yield Check("relay:blocked", found.blocked, "keys", "warn" if found.blocked else "pass")


def _controls(found: Controls) -> Iterator[Check]:
    stops, fuses, failure = found.stops, found.fuses, found.mass_failure
    yield Check(
        "controls:stops",
        len(stops),
        "stops",
        _any(len(stops)),
        output="; ".join(f"{stop.filter} is stopped" for stop in stops),
    )
    yield Check(
        "controls:fuses",
        len(fuses),
        "fuses",
        _any(len(fuses)),
        output="; ".join(f"the fuse of {fuse.filter.channel} has tripped" for fuse in fuses),
    )
    yield Check(
        "controls:mass-failure", int(failure is not None), "", "fail" if failure else "pass"
    )


def _hush(hush: Hush, limit: float) -> Check:
    return Check(
        "core-banking:silence",
        round(hush.hours, 1),
        "h of working days",
        "warn" if hush.silent else "pass",
        output=f"no event for {limit:g} h of working days: no contact leaves" * hush.silent,
    )


def _figures(found: Figures) -> Iterator[Check]:
    yield Check("effects:pending", found.count_effects("pending"), "effects")
    yield Check("effects:sending", found.count_effects("sending"), "effects")
    yield Check(
        "effects:due-age", round(found.due_age, 1), "s", _over(found.due_age, OLD_DUE_SECONDS)
    )
    sending = found.sending_age
    yield Check("effects:sending-age", round(sending, 1), "s", _over(sending, OLD_SENDING_SECONDS))
    yield Check(
        "quarantine:waiting", total := sum(found.quarantine.values()), "records", _any(total)
    )
    for by in ("here", "elsewhere"):
        parked = found.parked.get(by, 0)
        yield Check("cases:parked", parked, "customers", _any(parked), by)
    yield Check("cases:parked-age", round(found.parked_age, 1), "s")
    yield Check("cases:due", found.wakeups, "cases")
    late = found.wakeup_age
    yield Check("cases:due-age", round(late, 1), "s", _over(late, LATE_WAKEUP_SECONDS))


def _over(value: float, limit: float) -> Status:
    return "warn" if value > limit else "pass"


def _any(count: int) -> Status:
    return "warn" if count else "pass"
