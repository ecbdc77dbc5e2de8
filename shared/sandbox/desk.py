"""The sandbox's front desk: accepts each effect once, answers it the same ever after, remembers by its log."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from shared.clock import Clock
from shared.sandbox import outcomes
from shared.sandbox.callbacks import Callback, Queue
from shared.sandbox.log import Log, digest

Schedule = Callable[[datetime, timedelta], datetime]


class SeedChanged(Exception):
    """The log was written with another seed; answers that were given could not be told again."""


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """
    An effect as the worker hands it over; `claimed_at` is when the worker claimed it.

    From `validity_until` on it is not delivered any more, wherever it is queued.
    """

    effect_id: str
    kind: str
    customer_id: str
    service: str
    to: str
    content: dict[str, Any]
    claimed_at: datetime
    permit_id: str = ""
    validity_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a hand-over, the first time and every time after it."""

    effect_id: str
    outcome: Literal["sent", "failed"]
    reason: str
    left_at: datetime


class Desk:
    """
    Holds what was accepted and what is still to be told; rebuilds both from the log's *lines*.

    *clock* is the sandbox's (stepped or not), *machine* the machine's; *schedule* says when an
    outcome with some delay is told. Raises SeedChanged.
    """

    def __init__(
        self,
        log: Log,
        *,
        clock: Clock,
        machine: Clock,
        seed: int,
        schedule: Schedule = outcomes.due_at,
    ) -> None:
        self.queue = Queue()
        self.arrived = asyncio.Event()
        self._log = log
        self._clock = clock
        self._machine = machine
        self._seed = seed
        self._schedule = schedule
        self._answers: dict[str, Answer] = {}
        self._requests: Counter[str] = Counter()
        self._recover()

    def hand_over(self, request: HandOver) -> tuple[Answer, int]:
        """
        Accept an effect, or recognise it; answer the answer and how often it was handed over by now.

        Raises KeyError for a kind that the sandbox does not know.
        """
        first = request.effect_id not in self._answers
        now = self._clock.now()
        if first:
            self._accept(request, now, told=frozenset())
            self.arrived.set()
        answer = self._answers[request.effect_id]
        self._requests[request.effect_id] += 1
        self._log.append(
            "request",
            effect_id=request.effect_id,
            kind=request.kind,
            customer_id=request.customer_id,
            service=request.service,
            to_digest=digest(request.to),
            content_digest=digest(request.content),
            claimed_at=request.claimed_at,
            permit_id=request.permit_id,
            validity_until=request.validity_until,
            received_at=now,
            machine_at=self._machine.now(),
            first=first,
            outcome=answer.outcome,
            reason=answer.reason,
        )
        if first:
            self._note_dropped(request, now)
        return answer, self._requests[request.effect_id]

    def status(self, effect_id: str) -> Answer | None:
        """Answer what was answered to this effect, or None if it was never seen."""
        return self._answers.get(effect_id)

    def acknowledge(self, callback: Callback) -> None:
        """Note that the service took this outcome: it is not told again, also after a restart."""
        self._log.append(
            "webhook",
            effect_id=callback.effect_id,
            nth=callback.nth,
            delivered_at=self._clock.now(),
            machine_at=self._machine.now(),
        )

    def _note_dropped(self, request: HandOver, left_at: datetime) -> None:
        """Note that the carrier will not deliver it, because its validity ends before."""
        arrives_at = outcomes.arrives_at(self._seed, request.effect_id, request.kind, left_at)
        until = request.validity_until
        if until is not None and arrives_at is not None and arrives_at >= until:
            self._log.append(
                "dropped",
                effect_id=request.effect_id,
                customer_id=request.customer_id,
                permit_id=request.permit_id,
                validity_until=until,
                would_arrive_at=arrives_at,
            )

    def _accept(self, request: HandOver, left_at: datetime, told: frozenset[int]) -> None:
        effect_id, service = request.effect_id, request.service
        timetable = outcomes.facts(
            self._seed,
            request.customer_id,
            effect_id,
            request.kind,
            left_at,
            request.validity_until,
            self._schedule,
        )
        hand_over = msgspec.to_builtins(timetable[0][1])
        self._answers[effect_id] = Answer(
            effect_id, hand_over["outcome"], hand_over.get("reason", ""), left_at
        )
        for nth, (due, fact) in enumerate(timetable):
            if nth == 0 or nth in told:
                continue
            outcome = msgspec.to_builtins(fact)["outcome"]
            event_id = outcomes.fact_id(effect_id, outcome)
            self.queue.add(Callback(due, effect_id, nth, service, event_id, fact))

    def _recover(self) -> None:
        accepted: dict[str, dict[str, Any]] = {}
        told: dict[str, set[int]] = {}
        seeds = set()
        for line in self._log.lines():
            match line:
                case {"entry": "opened", "seed": seed}:
                    seeds.add(seed)
                case {"entry": "request", "effect_id": effect_id}:
                    accepted.setdefault(effect_id, line)
                    self._requests[effect_id] += 1
                case {"entry": "webhook", "effect_id": effect_id, "nth": nth}:
                    told.setdefault(effect_id, set()).add(nth)
                case _:
                    pass
        if not seeds:
            self._log.append("opened", seed=self._seed, machine_at=self._machine.now())
        elif seeds != {self._seed}:
            raise SeedChanged(f"the log was written with seed {seeds}, this is {self._seed}")
        for effect_id, line in accepted.items():
            self._accept(
                msgspec.convert({"to": "", "content": {}, **line}, HandOver),
                datetime.fromisoformat(line["received_at"]),
                told=frozenset(told.get(effect_id, ())),
            )
