"""Take down what customers declare and the bank did: `POST /customers/{customer_id}/declarations`.

The kinds are added in declaring_wishes.py and declaring_customers.py (the customer's words: who may take declarations
may take them down) and in declaring_bank.py (the bank's own acts: they need the scope acts:declare as well).
"""

from typing import Annotated, Any, get_args

from fastapi import APIRouter
from pydantic import Field

from services.scheduler.declaring_bank import BankAct
from services.scheduler.declaring_customers import CustomersWord
from services.scheduler.declaring_kinds import Declared, Taking
from services.scheduler.declaring_wishes import Wish
from services.scheduler.domain.state import CollectionCase
from shared.http.access import Caller, needs
from shared.http.commands import TAKEN, Command, Given, give, state_for
from shared.http.problems import ProblemError

router = APIRouter(prefix="/customers/{customer_id}", tags=["declarations"], responses=TAKEN)
Taker = Annotated[Caller, needs("declarations:take")]
Declaration = Annotated[Wish | CustomersWord | BankAct, Field(discriminator="kind")]
ACTS = "acts:declare"
KINDS: dict[str, type[Declared]] = {
    get_args(each.model_fields["kind"].annotation)[0]: each
    for family in (Wish, CustomersWord, BankAct)
    for each in get_args(family)
}
"""Each kind, and the model of its body."""


@router.post("/declarations", status_code=202)
async def declare(command: Command, caller: Taker, body: Declaration) -> Given:
    """
    Take down a declaration; it counts from the next tick of the case.

    What the bank did (notices, plans, assessments ...) needs the scope acts:declare. `occurred_at` says when it was, if
    not now. `about` is the id of what it made: a hold to release, a `case` that something else ends.
    """
    if isinstance(body, BankAct) and ACTS not in caller.scopes:
        raise ProblemError("forbidden", f"This needs the scope {ACTS}.")
    case: CollectionCase = await state_for(command, caller)
    runtime = command.runtime
    packs = runtime.reactor.policy.packs
    taking = Taking(case, packs, command.id_of("hold", caller), runtime.clock.now())
    fields: dict[str, Any] = {"reason": body.reason, **taking.instant(body), **body.told(taking)}
    about = str(fields.get("hold_id") or fields.get("case") or "")
    return await give(command, caller, body.model, fields, about=about)
