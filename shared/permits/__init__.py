"""Permits: how facts get into the gate's log, and what is proposed to it."""
