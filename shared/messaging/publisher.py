"""Publish events as core banking does: binary mode, keyed by customer, acknowledged by all replicas."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer

from shared.events.envelope import Event
from shared.events.registry import CORE_BANKING
from shared.messaging.broker import Reach
from shared.messaging.decode import encode
from shared.messaging.kafka import close_client, new_producer, open_client

BATCH = 500


class Publisher:
    """A producer on the topic `core-banking`; an async context manager."""

    def __init__(self, bootstrap: Reach, *, client_id: str = "core-banking") -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        self._producer = new_producer(self._bootstrap, client_id=self._client_id)
        await open_client(self._producer)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await close_client(self._producer)

    async def publish(self, events: Iterable[Event]) -> dict[int, int]:
        """
        Send *events* in their order and wait for the broker's answers.

        Answers, per partition that was written to, the offset behind the last record. Raises
        KafkaError when the broker does not take them.
        """
        ends: dict[int, int] = {}
        waiting = iter(events)
        while batch := list(islice(waiting, BATCH)):
            for partition, offset in await self._send(batch):
                ends[partition] = max(ends.get(partition, 0), offset + 1)
        return ends

    async def _send(self, events: Sequence[Event]) -> list[tuple[int, int]]:
        if self._producer is None:
            raise RuntimeError("a publisher is used inside `async with`")
        answers = []
        for event in events:
            key, value, headers = encode(event)
            answers.append(await self._producer.send(CORE_BANKING, value, key=key, headers=headers))
        return [(answer.partition, answer.offset) for answer in await asyncio.gather(*answers)]
