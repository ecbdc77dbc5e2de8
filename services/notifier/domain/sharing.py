"""Tell the scheduler of numbers that stand in several customers' files: caps per number are shared between their cases."""

from msgspec.structs import replace

from services.notifier.domain.correspondence import Correspondence, Share
from shared.clock import AT_ONCE
from shared.decision import Publish
from shared.events.notifier import ContactPointCounted, ContactPointShared


def counted(state: Correspondence, data: ContactPointCounted) -> Correspondence:
    """Note what the vault counted: the last word counts, it speaks in order."""
    known = state.shares.get(data.point_id, Share())
    if (data.k, data.rank) == (known.k, known.rank):
        return state
    share = replace(known, k=data.k, rank=data.rank)
    return replace(state, shares={**state.shares, data.point_id: share}, wake_at=AT_ONCE)


def told(state: Correspondence, customer_id: str) -> tuple[dict[str, Share], list[Publish]]:
    """Answer the shares after a tick, and what is to be published: those that are not what was told last."""
    shares: dict[str, Share] = {}
    publish: list[Publish] = []
    for point_id, share in sorted(state.shares.items()):
        now = (share.k, share.rank)
        if now == share.told:
            if share.number:
                shares[point_id] = share
            continue
        data = ContactPointShared(
            customer_id=customer_id, point_id=point_id, k=share.k, rank=share.rank
        )
        publish.append(Publish(f"{point_id}/{share.number}", data))
        shares[point_id] = replace(share, told=now, number=share.number + 1)
    return shares, publish
