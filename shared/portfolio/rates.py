"""How arrears move from month to month: measured on 30,000 real cardholders, and what is assumed beside it.

Source: "Default of Credit Card Clients", UCI data set 350 (I-Cheng Yeh, 2016, CC BY 4.0): 30,000
cardholders of a bank in Taiwan, April to September 2005; 150,000 pairs of neighbouring months, the
status clipped at 0 (no use, paid duly and minimum paid are all 0 months past due). Printed by

    python -m shared.portfolio.measure uci_credit_card_clients.csv.gz

Measured shares of the next month's status, of all clients with the same status now:

    from     to 0    to 1    to 2    to 3    to 4    to 5    to 6    to 7    to 8   client-months
    0       0.939   0.014   0.047                                                      131,792
    1               1.000                                                                   34
    2       0.253   0.103   0.580   0.063                                               16,297
    3       0.159   0.098   0.327   0.159   0.257                                        1,108
    4       0.042   0.085   0.225   0.077   0.281   0.289                                  377
    5       0.054   0.063   0.162   0.063   0.099   0.108   0.450                          111
    6       0.032   0.032   0.079   0.016   0.016   0.048   0.063   0.714                   63
    7               0.005   0.268   0.010                   0.005   0.603   0.110          209
    8               0.111   0.333           0.111                   0.111   0.333            9

Two rows rest on too few client-months (fewer than LEAST) to be used: 1, which this bank reported in its
last month only (so the row would keep a customer who is one month late in that state for ever), and 8.
They take the row of the neighbour with the most client-months, shifted by one. Nobody is more than 8
months late: what would roll further stays there.

Measured too: of 1,543 client-months in which arrears of one month or more grew, 473 saw a payment.
Arrears jump from 0 to 2 in 6,209 client-months: the first month late came out afterwards.

Assumed, for the tape cannot say it (months are its finest grain): BRIEF, LATE_BY_REVERSAL, BACK_DATED.
"""

from collections.abc import Mapping
from itertools import pairwise

STATES = range(9)
"""Months past due, 0 to 8 (8: eight or more)."""

COUNTS: tuple[tuple[int, ...], ...] = (
    (123723, 1860, 6209, 0, 0, 0, 0, 0, 0),
    (0, 34, 0, 0, 0, 0, 0, 0, 0),
    (4130, 1676, 9460, 1031, 0, 0, 0, 0, 0),
    (176, 109, 362, 176, 285, 0, 0, 0, 0),
    (16, 32, 85, 29, 106, 109, 0, 0, 0),
    (6, 7, 18, 7, 11, 12, 50, 0, 0),
    (2, 2, 5, 1, 1, 3, 4, 45, 0),
    (0, 1, 56, 2, 0, 0, 1, 126, 23),
    (0, 1, 3, 0, 1, 0, 0, 1, 3),
)
"""COUNTS[a][b]: client-months with status a that had status b the month after (measured)."""
PARTLY_PAID = 473 / 1543
"""The share of months in which arrears grew although something was paid (measured)."""

LEAST = 50
"""The client-months that a row needs, to be used."""
BRIEF = 0.08
"""Assumed: the share of months without arrears at their close in which the due date was missed by days."""
LATE_BY_REVERSAL = 0.2
"""Assumed: the share of jumps from 0 to 2 in which a payment was taken back; else it was reported late."""
BACK_DATED = 0.05
"""Assumed: the share of payments that are booked some days after their value date."""

Row = Mapping[int, float]


def used() -> tuple[Row, ...]:
    """Answer the shares that the portfolio follows: the measured ones, and the thin rows' stand-ins."""
    return tuple(_shares(_row(state)) for state in STATES)


def stationary(rows: tuple[Row, ...], rounds: int = 2000) -> Row:
    """Answer the mixture of states that *rows* leave as it is: how customers are spread at the start."""
    spread = dict.fromkeys(STATES, 1 / len(STATES))
    for _ in range(rounds):
        spread = {
            to: sum(spread[state] * rows[state].get(to, 0.0) for state in STATES) for to in STATES
        }
    return spread


def matrix(chains: list[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """Count the moves from state to state in *chains* of monthly states."""
    counts = [[0] * len(STATES) for _ in STATES]
    for chain in chains:
        for state, following in pairwise(chain):
            counts[min(state, STATES[-1])][min(following, STATES[-1])] += 1
    return tuple(map(tuple, counts))


def _row(state: int) -> dict[int, int]:
    counts = COUNTS[state]
    if sum(counts) >= LEAST:
        return dict(enumerate(counts))
    neighbours = [other for other in (state - 1, state + 1) if other in STATES and other > 0]
    donor = max(neighbours, key=lambda other: sum(COUNTS[other]))
    shifted: dict[int, int] = {}
    for to, count in enumerate(COUNTS[donor]):
        moved = min(max(to + state - donor, 0), STATES[-1])
        shifted[moved] = shifted.get(moved, 0) + count
    return shifted


def _shares(counts: Mapping[int, int]) -> Row:
    total = sum(counts.values())
    return {state: count / total for state, count in counts.items() if count}
