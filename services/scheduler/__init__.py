"""The scheduler: it owns time, the case, the ladder and every timed follow-up."""
