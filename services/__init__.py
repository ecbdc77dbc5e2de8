"""The services: each owns one stage of escalation, has one shape, and knows no other service."""
