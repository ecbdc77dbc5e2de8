"""The routes of legal: which proceedings are under way, and at what stage; no rules in it."""

from collections.abc import Iterator

from pydantic import BaseModel

from services.legal.domain.state import STAGES, LegalFile
from shared.http.worklist import worklist


class OpenProceedings(BaseModel):
    """Proceedings under way; `case_no` is the court's, once it took the claim in."""

    follow_up_id: str
    episode: int
    stage: str
    next_step: str
    case_no: str = ""


def under_way(file: LegalFile) -> Iterator[OpenProceedings]:
    """Read the proceedings that have not ended."""
    for follow_up_id, each in file.proceedings.items():
        if each.stage != "ended":
            yield OpenProceedings(
                follow_up_id=follow_up_id,
                episode=each.episode,
                stage=each.stage,
                next_step=each.step,
                case_no=each.case_no,
            )


router = worklist(OpenProceedings, under_way, STAGES)
