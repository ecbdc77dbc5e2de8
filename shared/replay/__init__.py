"""Replay event files: all services' deciders in one process on a virtual clock, without broker and database."""
