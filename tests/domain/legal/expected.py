"""What is expected of every event in every stage of proceedings, written by hand: stage -> event -> cell.

A cell is the stage of the proceedings F1 afterwards and the types published on the tick; NOTHING means
that nothing is said and the state is what it was.
"""

NOTHING = "-"
ASK, TAKE_BACK, GIVEN_UP = "follow_up.requested", "follow_up.withdrawn", "legal.withdrawn"
NEXT_EPISODE = "legal.assessed permit.requested"


LETTER = "letter sent; letter delivered; letter failed; letter refused; letter unknown"
FILING = """
    filing sent; filing delivered; filing accepted; filing rejected; filing granted;
    filing settled; filing dismissed; filing failed; filing refused; filing unknown
"""
ENFORCEMENT = """
    enforcement sent; enforcement recovered; enforcement found no assets;
    enforcement failed; enforcement refused; enforcement unknown
"""


def nothing(*events: str) -> dict[str, str]:
    """Answer the cells of *events* (names separated by semicolons) that change nothing."""
    return {event.strip(): NOTHING for names in events for event in names.split(";")}


STOPS = {
    "cancelled": f"ended: {GIVEN_UP}",
    "case closed": f"ended: {GIVEN_UP}",
}
STOPS_WAITING = {
    "cancelled": f"ended: {GIVEN_UP} {TAKE_BACK}",
    "case closed": f"ended: {GIVEN_UP} {TAKE_BACK}",
}
BEFORE_COURT: dict[str, dict[str, str]] = {
    "idle": {
        "a legal step is due": f"none: {NEXT_EPISODE}",
        "the same is due again": "letter: legal.assessed permit.requested",
        "a step of the next episode is due": f"none: {NEXT_EPISODE}",
        "hold applied": "none:",
        **nothing(
            LETTER,
            FILING,
            ENFORCEMENT,
            """
            what was asked for is due; it is due and the case is small now;
            what nobody asked for is due; a visit is due; cancelled; another is cancelled;
            case closed; an older case closed; hold lifted; another hold lifted;
            notice of another's letter
            """,
        ),
    },
    "due": {
        "a legal step is due": "due:",
        "a step of the next episode is due": "due:",
        "cancelled": f"ended: {GIVEN_UP}",
        "case closed": f"ended: {GIVEN_UP}",
        "hold applied": "due:",
        "hold lifted": f"due: {ASK}",
        **nothing(
            LETTER,
            FILING,
            ENFORCEMENT,
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; another is cancelled; an older case closed; another hold lifted;
            notice of another's letter
            """,
        ),
    },
    "unfit": {
        "a legal step is due": "unfit:",
        "a step of the next episode is due": f"unfit: {NEXT_EPISODE}",
        "what was asked for is due": f"unfit: legal.assessed {ASK}",
        "it is due and the case is small now": f"unfit: legal.assessed {ASK}",
        **STOPS_WAITING,
        "hold applied": "unfit:",
        **nothing(
            LETTER,
            FILING,
            ENFORCEMENT,
            """
            the same is due again; what nobody asked for is due; a visit is due;
            another is cancelled; an older case closed; hold lifted; another hold lifted;
            notice of another's letter
            """,
        ),
    },
    "asked": {
        "a legal step is due": "letter:",
        "a step of the next episode is due": f"letter: {NEXT_EPISODE}",
        **STOPS,
        "hold applied": "due:",
        "letter sent": f"demanded: legal.letter_sent {ASK}",
        "letter delivered": "letter:",
        "letter failed": f"due: {ASK}",
        "letter refused": f"due: {ASK}",
        "letter unknown": f"ended: {GIVEN_UP}",
        **nothing(
            FILING,
            ENFORCEMENT,
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; another is cancelled; an older case closed; hold lifted;
            another hold lifted; notice of another's letter
            """,
        ),
    },
    "letter": {
        "a legal step is due": "letter:",
        "a step of the next episode is due": f"letter: {NEXT_EPISODE}",
        **STOPS,
        "hold applied": "due:",
        "letter sent": f"demanded: legal.letter_sent {ASK}",
        "letter delivered": "letter:",
        "letter failed": f"due: {ASK}",
        "letter refused": f"due: {ASK}",
        "letter unknown": f"ended: {GIVEN_UP}",
        **nothing(
            FILING,
            ENFORCEMENT,
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; another is cancelled; an older case closed; hold lifted;
            another hold lifted; notice of another's letter
            """,
        ),
    },
    "demanded": {
        "a legal step is due": "demanded:",
        "a step of the next episode is due": f"demanded: {NEXT_EPISODE}",
        "what was asked for is due": "filing:",
        "it is due and the case is small now": f"unfit: legal.assessed {ASK}",
        **STOPS_WAITING,
        "hold applied": "demanded:",
        "letter delivered": "demanded:",
        "letter failed": "demanded:",
        "letter refused": "demanded:",
        "letter unknown": "demanded:",
        **nothing(
            FILING,
            ENFORCEMENT,
            """
            the same is due again; what nobody asked for is due; a visit is due;
            another is cancelled; an older case closed; hold lifted; another hold lifted;
            letter sent; notice of another's letter
            """,
        ),
    },
    "filing": {
        "a legal step is due": "filing:",
        "a step of the next episode is due": f"filing: {NEXT_EPISODE}",
        **STOPS,
        "hold applied": "demanded:",
        "letter delivered": "filing:",
        "letter failed": "filing:",
        "letter refused": "filing:",
        "letter unknown": "filing:",
        "filing sent": "filed: legal.filed",
        "filing delivered": "filing:",
        "filing accepted": "accepted: legal.accepted",
        "filing rejected": f"ended: {GIVEN_UP}",
        "filing granted": f"judged: legal.judged {ASK}",
        "filing settled": "ended: legal.judged",
        "filing dismissed": "ended: legal.judged",
        "filing failed": f"demanded: {ASK}",
        "filing refused": f"demanded: {ASK}",
        "filing unknown": f"ended: {GIVEN_UP}",
        **nothing(
            ENFORCEMENT,
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; another is cancelled; an older case closed; hold lifted;
            another hold lifted; letter sent; notice of another's letter
            """,
        ),
    },
    "stopped": {
        "a legal step is due": f"ended: {NEXT_EPISODE}",
        "a step of the next episode is due": f"ended: {NEXT_EPISODE}",
        "hold applied": "ended:",
        "letter delivered": "ended:",
        "letter failed": "ended:",
        "letter refused": "ended:",
        "letter unknown": "ended:",
        **nothing(
            FILING,
            ENFORCEMENT,
            """
            the same is due again; what was asked for is due;
            it is due and the case is small now; what nobody asked for is due;
            a visit is due; cancelled; another is cancelled; case closed;
            an older case closed; hold lifted; another hold lifted; letter sent;
            notice of another's letter
            """,
        ),
    },
}
