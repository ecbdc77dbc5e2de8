"""The audit of contacts: every contact that was made, judged again as known then and as known now."""
