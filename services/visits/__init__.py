"""Visits: field visits to debtors, from the screening to the report from the door."""
