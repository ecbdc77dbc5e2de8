"""A note of an agent to the customer: judged by the lexicon, sealed, and left to the gate on the next tick."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from services.scheduler.domain.ladder import KINDS_OF_POINT
from services.scheduler.domain.state import CollectionCase
from shared.audit.acts import record_act
from shared.content.lexicon import Finding
from shared.content.loading import classify
from shared.content.registry import Registry
from shared.events.commands import MessageWritten
from shared.http.access import Caller, needs
from shared.http.commands import (
    TAKEN,
    Body,
    Command,
    Given,
    ReferenceField,
    Request,
    give,
    refuse_numbers,
    state_for,
    wrong,
)
from shared.http.problems import FieldError, ProblemError
from shared.vault.sentences import seal_sentence

router = APIRouter(prefix="/cases/{customer_id}", tags=["commands"], responses=TAKEN)
Giver = Annotated[Caller, needs("commands:give")]
_MENDS = {
    "forbidden": "nobody may say this: say it without",
    "reserved": "only an approved text may say this: leave it out",
}


class MessageBody(Body):
    """
    A note to the customer, of at most 300 characters, in the customer's language; it leaves within an approved frame.

    `point_id` names one of the customer's contact points, of the channel's kind. No names, numbers or links.
    """

    channel: Literal["sms", "email", "wechat"]
    point_id: ReferenceField
    purpose: Literal["collect", "reply", "verification", "dispute_outcome"] = "reply"
    text: Annotated[str, Field(min_length=1, max_length=300)]


@router.post("/messages", status_code=202)
async def message(command: Command, caller: Giver, body: MessageBody) -> Given:
    """Write to the customer: what the lexicon is not sure of is refused, with the place and the mend."""
    case: CollectionCase = await state_for(command, caller)
    customer = case.customer
    if customer is None:
        raise wrong("body.point_id", "core banking has sent no record of this customer yet")
    point = customer.points.get(body.point_id)
    if point is None or point.kind not in KINDS_OF_POINT[body.channel]:
        raise wrong("body.point_id", f"is no point of this customer for {body.channel}")
    refuse_numbers({"reason": body.reason, "text": body.text})
    texts = command.runtime.reactor.policy.content
    language = customer.language if texts is None else Registry(texts).language(customer.language)
    finding = classify(body.text, language)
    if not finding.may_be_sent:
        await _record(command, caller, body, language, finding)
        raise ProblemError("invalid", errors=list(_errors(finding)))
    message_id = command.id_of("message", caller)
    fields: dict[str, Any] = {
        **body.model_dump(exclude={"text"}),
        "message_id": message_id,
        "language": language,
        "tags": tuple(sorted(finding.tags)),
        "content": await _sealed(command, message_id, body.text),
    }
    return await give(command, caller, MessageWritten, fields, about=message_id)


async def _sealed(command: Request, message_id: str, said: str) -> str:
    runtime = command.runtime
    async with runtime.engine.begin() as tx:
        sealed = await seal_sentence(
            tx, runtime.settings.keys(), command.customer_id, message_id, said
        )
    if sealed is None:
        raise wrong("path.customer_id", "was forgotten: nothing can be written to this customer")
    return sealed


async def _record(
    command: Request, caller: Caller, body: MessageBody, language: str, finding: Finding
) -> None:
    """Write down that somebody wanted to say such a thing, without what was said."""
    detail = {
        "channel": body.channel,
        "language": language,
        "forbidden": sorted(finding.forbidden),
        "reserved": sorted(finding.reserved),
        "unsure": [_kind(reason) for reason in finding.unsure],
    }
    async with command.runtime.engine.begin() as tx:
        await record_act(
            tx,
            subject=command.customer_id,
            actor=caller.subject,
            act="message refused",
            reason=body.reason,
            detail=detail,
            at=command.runtime.clock.now(),
        )


def _errors(finding: Finding) -> list[FieldError]:
    """Say each thing that is wrong and where it stands (characters from 1), never what was written."""
    errors = []
    for span in finding.spans:
        kind = "forbidden" if span.tag in finding.forbidden else "reserved"
        if span.tag in finding.forbidden | finding.reserved:
            at = f"characters {span.start + 1} to {span.end}"
            errors.append(
                FieldError(field="body.text", message=f"{span.tag}, {at}: {_MENDS[kind]}")
            )
    unsure = "cannot be judged: use an approved text, or simple words of service"
    errors += [
        FieldError(field="body.text", message=f"{_kind(reason)}: {unsure}")
        for reason in finding.unsure
    ]
    return errors


def _kind(reason: str) -> str:
    """Leave out of a reason what it repeats of the text."""
    return reason.partition(":")[0]
