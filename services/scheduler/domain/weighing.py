"""What the gate says to the choices of one contact step: whether it may be made, waits, or has no way at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.scheduler.domain.gatekeeping import Ruling
from services.scheduler.domain.state import Offer
from services.scheduler.domain.view import View
from services.scheduler.policy import Step
from shared.compliance.proposal import Proposal
from shared.ids import derive


@dataclass(frozen=True, slots=True)
class Weight:
    """One choice, what it proposes, and the gate's ruling."""

    offer: Offer
    made: tuple[Proposal, ...] | Ruling
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class Weighed:
    """A step with its choices; `about` as in OpenStep."""

    step: Step
    attempt: int
    about: str
    choices: tuple[Weight, ...]

    @property
    def allowed(self) -> list[Weight]:
        """The choices that may be made now, in their order."""
        return [choice for choice in self.choices if choice.ruling.allowed]

    @property
    def waits(self) -> bool:
        """Whether there are ways, and rules in all of them."""
        return bool(self.choices) and not self.allowed

    @property
    def earliest(self) -> datetime | None:
        """The instant from which on a choice is allowed; none: only an event can help."""
        nexts = (choice.ruling.earliest for choice in self.choices)
        return min((each for each in nexts if each is not None), default=None)

    def key(self, view: View) -> str:
        """Name the step and its attempt among all that may be refused."""
        if self.about:
            return f"~{self.about}"
        return f"{view.case.episode}/{self.step.name}/{self.attempt}"

    def follow_up_id(self, view: View) -> str:
        """Answer the id of the follow-up that the step is, or would be."""
        episode = 0 if self.about else view.case.episode
        return derive(
            "scheduler", view.customer_id, self.about, episode, self.step.name, self.attempt
        )

    def inputs(self, view: View) -> dict[str, Any]:
        """Answer what was judged: references only."""
        made = [
            each
            for choice in self.choices
            if not isinstance(choice.made, Ruling)
            for each in choice.made
        ]
        return {
            "at": view.now.isoformat(),
            "choices": [
                {
                    "channel": each.offer.channel,
                    "point_id": each.offer.point_id,
                    "template": each.offer.template,
                }
                for each in self.choices
            ],
            "debts": sorted({debt for each in made for debt in each.debts}),
            "zones": sorted({zone for each in made for zone in each.zones}),
        }
