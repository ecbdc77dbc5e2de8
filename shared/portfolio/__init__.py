"""A made-up portfolio: what core banking would publish of N customers over some months, from a seed."""

from shared.portfolio.generate import DEFAULT_START, customer_id, generate
from shared.portfolio.stratum import SITUATIONS, STRATUM, situations

__all__ = ["DEFAULT_START", "SITUATIONS", "STRATUM", "customer_id", "generate", "situations"]
