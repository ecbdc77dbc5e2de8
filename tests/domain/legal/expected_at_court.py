"""What is expected of every event once a claim is with the court, written by hand; see expected.py."""

from tests.domain.legal.expected import (
    ASK,
    ENFORCEMENT,
    GIVEN_UP,
    NEXT_EPISODE,
    STOPS,
    STOPS_WAITING,
    TAKE_BACK,
    nothing,
)

AT_COURT: dict[str, dict[str, str]] = {
    "filed": {
        "a legal step is due": "filed:",
        "a step of the next episode is due": f"filed: {NEXT_EPISODE}",
        **STOPS,
        "hold applied": "filed:",
        "letter delivered": "filed:",
        "letter failed": "filed:",
        "letter refused": "filed:",
        "letter unknown": "filed:",
        "filing delivered": "filed:",
        "filing accepted": "accepted: legal.accepted",
        "filing rejected": f"ended: {GIVEN_UP}",
        "filing granted": f"judged: legal.judged {ASK}",
        "filing settled": "ended: legal.judged",
        "filing dismissed": "ended: legal.judged",
        "filing failed": "filed:",
        "filing refused": "filed:",
        "filing unknown": "filed:",
        **nothing(
            ENFORCEMENT,
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; another is cancelled; an older case closed; hold lifted;
            another hold lifted; letter sent; filing sent; notice of another's letter
            """,
        ),
    },
    "accepted": {
        "a legal step is due": "accepted:",
        "a step of the next episode is due": f"accepted: {NEXT_EPISODE}",
        **STOPS,
        "hold applied": "accepted:",
        "letter delivered": "accepted:",
        "letter failed": "accepted:",
        "letter refused": "accepted:",
        "letter unknown": "accepted:",
        "filing delivered": "accepted:",
        "filing rejected": f"ended: {GIVEN_UP}",
        "filing granted": f"judged: legal.judged {ASK}",
        "filing settled": "ended: legal.judged",
        "filing dismissed": "ended: legal.judged",
        "filing failed": "accepted:",
        "filing refused": "accepted:",
        "filing unknown": "accepted:",
        **nothing(
            ENFORCEMENT,
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; another is cancelled; an older case closed; hold lifted;
            another hold lifted; letter sent; filing sent; filing accepted;
            notice of another's letter
            """,
        ),
    },
    "judged": {
        "a legal step is due": "judged:",
        "a step of the next episode is due": f"judged: {NEXT_EPISODE}",
        "what was asked for is due": "enforcing:",
        "it is due and the case is small now": "enforcing:",
        **STOPS_WAITING,
        "hold applied": "judged:",
        "letter delivered": "judged:",
        "letter failed": "judged:",
        "letter refused": "judged:",
        "letter unknown": "judged:",
        "filing delivered": "judged:",
        "filing rejected": f"ended: {GIVEN_UP} {TAKE_BACK}",
        "filing settled": "judged:",
        "filing dismissed": "judged:",
        "filing failed": "judged:",
        "filing refused": "judged:",
        "filing unknown": "judged:",
        **nothing(
            ENFORCEMENT,
            """
            the same is due again; what nobody asked for is due; a visit is due;
            another is cancelled; an older case closed; hold lifted; another hold lifted;
            letter sent; filing sent; filing accepted; filing granted;
            notice of another's letter
            """,
        ),
    },
    "enforcing": {
        "a legal step is due": "enforcing:",
        "a step of the next episode is due": f"enforcing: {NEXT_EPISODE}",
        **STOPS,
        "hold applied": "judged:",
        "letter delivered": "enforcing:",
        "letter failed": "enforcing:",
        "letter refused": "enforcing:",
        "letter unknown": "enforcing:",
        "filing delivered": "enforcing:",
        "filing rejected": f"ended: {GIVEN_UP}",
        "filing settled": "enforcing:",
        "filing dismissed": "enforcing:",
        "filing failed": "enforcing:",
        "filing refused": "enforcing:",
        "filing unknown": "enforcing:",
        "enforcement sent": "enforcing:",
        "enforcement recovered": "ended: legal.enforced",
        "enforcement found no assets": "ended: legal.enforced",
        "enforcement failed": f"judged: {ASK}",
        "enforcement refused": f"judged: {ASK}",
        "enforcement unknown": f"ended: {GIVEN_UP}",
        **nothing(
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; another is cancelled; an older case closed; hold lifted;
            another hold lifted; letter sent; filing sent; filing accepted; filing granted;
            notice of another's letter
            """
        ),
    },
    "ended": {
        "a legal step is due": "ended:",
        "a step of the next episode is due": f"ended: {NEXT_EPISODE}",
        "hold applied": "ended:",
        "letter delivered": "ended:",
        "letter failed": "ended:",
        "letter refused": "ended:",
        "letter unknown": "ended:",
        "filing delivered": "ended:",
        "filing rejected": "ended:",
        "filing settled": "ended:",
        "filing dismissed": "ended:",
        "filing failed": "ended:",
        "filing refused": "ended:",
        "filing unknown": "ended:",
        "enforcement sent": "ended:",
        "enforcement found no assets": "ended:",
        "enforcement failed": "ended:",
        "enforcement refused": "ended:",
        "enforcement unknown": "ended:",
        **nothing(
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; cancelled; another is cancelled; case closed;
            an older case closed; hold lifted; another hold lifted; letter sent; filing sent;
            filing accepted; filing granted; enforcement recovered;
            notice of another's letter
            """
        ),
    },
}
