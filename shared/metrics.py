"""What a process counts for Prometheus while it works: fed once a batch, never once an event.

Each Runtime has its own registry, so that several may live in one process. What is asked of the database and the broker
at a scrape stands in shared/http/gauges.py. No label ever names a customer.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from math import inf

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from shared.messaging.records import BatchResult
from shared.messaging.tally import Tally

BATCH_RECORDS = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)
BATCH_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
AGES = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 86400, 7 * 86400)
"""Bounds of the histograms, in records and seconds: a nightly file makes facts hours old, a tape days."""
OUTCOMES = ("decided", "repeated", "quarantined", "parked", "ignored")


class Distribution(Collector):
    """A histogram that takes many values at once: the library's own takes a lock for each value, per event."""

    def __init__(
        self, name: str, text: str, bounds: Sequence[float], labels: Mapping[str, str]
    ) -> None:
        self._name = name
        self._text = text
        self._bounds = tuple(bounds)
        self._labels = dict(labels)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, values: Iterable[float]) -> None:
        """Count the values; each belongs to the first bound that is not below it."""
        bounds, counts = self._bounds, self._counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
            self._sum += value

    @override
    def collect(self) -> Iterable[Metric]:
        """Answer the histogram as Prometheus wants it: each bucket holds those below it too."""
        family = HistogramMetricFamily(self._name, self._text, labels=list(self._labels))
        total = 0
        buckets = []
        for bound, count in zip((*self._bounds, inf), self._counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound == inf else str(float(bound)), float(total)))
        family.add_metric(list(self._labels.values()), buckets, self._sum)
        yield family


class Metrics:
    """The counters of one service in one process; `registry` is what /metrics prints."""

    def __init__(self, service: str) -> None:
        # a time beside every counter, which nobody asks for
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._service = service
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._records = self._counter(
            "records", "Kafka records by what became of them in their batch", "outcome"
        )
        self._facts = self._counter("facts_decided", "Facts decided, by event type", "type")
        self._ticks = self._counter("ticks_decided", "Ticks decided: looks at a case that was due")
        self._published = self._counter("published", "Rows put into the outbox, by type", "type")
        self._started = self._counter("effects_started", "Effects that decisions started", "kind")
        self._settled = self._counter(
            "effects_settled",
            "Effects settled, by status; pending: put back, to be claimed anew",
            "status",
        )
        self._quarantined = self._counter("quarantined", "Put into quarantine, by reason", "reason")
        self._batch_records = self._histogram("batch_records", "Records in a batch", BATCH_RECORDS)
        self._batch_seconds = self._histogram(
            "batch_seconds", "Seconds from a batch handed in to its commit", BATCH_SECONDS
        )
        self._latency = self._distribution(
            "decision_latency_seconds", "From the time a fact bears to its decision"
        )
        self._lateness = self._distribution(
            "wakeup_lateness_seconds", "From the time a case wanted to be looked at to its tick"
        )

    def batch(self, result: BatchResult, seconds: float) -> None:
        """Count a batch that was saved, and how long that took."""
        self._batch_records.observe(result.records)
        self._batch_seconds.observe(seconds)
        for outcome in OUTCOMES:
            if count := getattr(result, outcome):
                self._records.labels(self._service, outcome).inc(count)

    def observe(self, tally: Tally) -> None:
        """Count what a committed transaction of the shell did."""
        for counter, counts in (
            (self._facts, tally.facts),
            (self._published, tally.published),
            (self._started, tally.started),
            (self._settled, tally.settled),
            (self._quarantined, tally.quarantined),
        ):
            for label, count in counts.items():
                counter.labels(self._service, label).inc(count)
        if tally.ticks:
            self._ticks.labels(self._service).inc(tally.ticks)
        self._latency.observe(tally.latencies)
        self._lateness.observe(tally.lateness)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        counter = Counter(f"arrears_{name}", text, ["service", *labels], registry=self.registry)
        if not labels:
            counter.labels(self._service)
        return counter

    def _histogram(self, name: str, text: str, bounds: Sequence[float]) -> Histogram:
        made = Histogram(
            f"arrears_{name}", text, ["service"], buckets=bounds, registry=self.registry
        )
        return made.labels(self._service)

    def _distribution(self, name: str, text: str) -> Distribution:
        made = Distribution(f"arrears_{name}", text, AGES, {"service": self._service})
        self.registry.register(made)
        return made
