"""The audit trail: rows chained by hashes, acts of people, signed daily roots, and the check of all of it."""
