"""A broker that several tests share, without what the tests before us published: a fresh database would read it all."""

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from shared.messaging.kafka import close_client, new_admin, open_client
from shared.messaging.topics import TOPICS

TO_THE_END = -1


async def emptied(bootstrap: str) -> None:
    """Delete the records of every topic of ours that is there; offsets go on from where they were."""
    admin = new_admin(bootstrap)
    await open_client(admin)
    try:
        there = sorted(set(TOPICS) & set(await admin.list_topics()))
        found = await admin.describe_topics(there) if there else []
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in found
            for partition in topic["partitions"]
        ]
        if partitions:
            await admin.delete_records({tp: RecordsToDelete(TO_THE_END) for tp in partitions})
    finally:
        await close_client(admin)
