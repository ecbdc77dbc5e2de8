"""What is asked at a scrape, as Prometheus families: from the survey and the loops' own marks."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from shared.messaging.controls import CHANNELS, Controls
from shared.messaging.figures import Figures
from shared.runtime import Runtime
from shared.survey import View
from shared.version import code_version

Values = Mapping[tuple[str, ...], float]


class Gauges(Collector):
    """Answers the families of the `view` that was set last; none of them before the first."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._service = runtime.reactor.name
        self.view: View | None = None
        runtime.metrics.registry.register(self)

    @override
    def collect(self) -> Iterable[Metric]:
        """Answer every family of the view."""
        if self.view is None:
            return
        yield from self._always(self.view)
        yield from self._loops()
        if self.view.lag is not None:
            yield self._gauge(
                "consumer_lag_records",
                "Records of a partition that this process holds and has not saved",
                {(tp.topic, str(tp.partition)): n for tp, n in self.view.lag.items()},
                "topic",
                "partition",
            )
        if self.view.readiness.controls is not None:
            yield from self._controls(self.view.readiness.controls)
        if self.view.figures is not None:
            yield from self._figures(self.view.figures)

    def _always(self, view: View) -> Iterator[Metric]:
        settings, ready = self._runtime.settings, view.readiness
        what = (code_version(), settings.mode, settings.contact_mode)
        labels = ("code_version", "mode", "contact")
        yield self._gauge("build_info", "The code that runs, and how", {what: 1}, *labels)
        yield self._gauge("ready", "1 when the service can do its work", {(): not ready.reasons})
        asked = ready.dependencies
        yield self._gauge(
            "dependency_up",
            "1 when the dependency answered as the service needs it",
            {(name,): not found.trouble for name, found in asked.items()},
            "dependency",
        )
        yield self._gauge(
            "dependency_seconds",
            "How long it took to answer",
            {(name,): found.seconds for name, found in asked.items()},
            "dependency",
        )
        yield self._gauge(
            "partition_fresh",
            "1 when all that core banking said up to 30 s ago is saved; only partitions held here",
            {(str(p),): p not in ready.stale_partitions for p in ready.partitions},
            "partition",
        )
        yield self._gauge(
            "relay_leader", "1 when this process publishes for the service", {(): ready.is_leader}
        )
        yield self._gauge(
            "relay_blocked_keys", "Keys whose oldest row the broker refuses", {(): ready.blocked}
        )

    def _controls(self, found: Controls) -> Iterator[Metric]:
        yield self._gauge("stops", "Stops of people in force", {(): len(found.stops)})
        tripped = {fuse.filter.channel for fuse in found.fuses}
        yield self._gauge(
            "fuse_tripped",
            "1 when a channel's fuse has tripped: nothing leaves by it until a person releases it",
            {(channel,): channel in tripped for channel in sorted({*CHANNELS, *tripped})},
            "channel",
        )
        yield self._gauge(
            "mass_failure",
            "1 when the service has stopped because one place of the code failed for many customers",
            {(): found.mass_failure is not None},
        )

    def _loops(self) -> Iterator[Metric]:
        runtime = self._runtime
        worker = runtime.worker
        failures = CounterMetricFamily(
            "arrears_failures",
            "Attempts of a loop that failed and were made again",
            labels=["service", "part"],
        )
        for part, count in {
            "consumer": runtime.consumer.vitals.failures,
            "relay": runtime.relay.failures,
            "alarm": runtime.alarm.failures,
            "effects": 0 if worker is None else worker.failures,
            "provider": 0 if worker is None else worker.retries,
        }.items():
            failures.add_metric([self._service, part], count)
        yield failures
        yield self._gauge(
            "loop_turned_seconds",
            "Seconds since the Kafka loop last went on",
            {(): runtime.consumer.vitals.turned_for()},
        )

    def _figures(self, found: Figures) -> Iterator[Metric]:
        yield self._gauge("outbox_rows", "Rows that wait for the relay", {(): found.outbox})
        yield self._gauge("outbox_oldest_seconds", "Age of the oldest row", {(): found.outbox_age})
        yield self._gauge(
            "effects",
            "Effects that have not left yet or may have",
            {**found.effects},
            "status",
            "kind",
        )
        yield self._gauge(
            "effects_due_oldest_seconds",
            "How long the oldest pending effect could have left",
            {(): found.due_age},
        )
        yield self._gauge(
            "effects_sending_oldest_seconds",
            "How long ago the oldest effect under way was claimed",
            {(): found.sending_age},
        )
        yield self._gauge(
            "quarantine_records",
            "Records that wait in quarantine",
            {(reason,): n for reason, n in found.quarantine.items()},
            "reason",
        )
        yield self._gauge(
            "parked_customers",
            "Customers for whom nothing is done, because of a record here or elsewhere",
            {(by,): found.parked.get(by, 0) for by in ("here", "elsewhere")},
            "by",
        )
        yield self._gauge(
            "parked_oldest_seconds", "Age of the oldest record in a queue", {(): found.parked_age}
        )
        yield self._gauge("cases_due", "Cases that are to be looked at now", {(): found.wakeups})
        yield self._gauge(
            "cases_due_oldest_seconds",
            "How long the oldest has been due",
            {(): found.wakeup_age},
        )
        hush = self.view.hush if self.view else None
        if hush is None:
            return
        yield self._gauge(
            "core_banking_silent", "1 when facts are stale: no contact leaves", {(): hush.silent}
        )
        yield self._gauge(
            "core_banking_silence_seconds",
            "Time of working days without an event",
            {(): 3600 * hush.hours},
        )

    def _gauge(self, name: str, text: str, values: Values, *labels: str) -> Metric:
        family = GaugeMetricFamily(f"arrears_{name}", text, labels=["service", *labels])
        for key, value in values.items():
            family.add_metric([self._service, *key], float(value))
        return family
