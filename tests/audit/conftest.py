"""A service's schema to tamper with: the same as in tests/database."""

from tests.database.conftest import clock, db, make_shell, shell, shell_database

__all__ = ["clock", "db", "make_shell", "shell", "shell_database"]
