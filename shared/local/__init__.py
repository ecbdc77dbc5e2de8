"""The embedded parts: real Apache Kafka and PostgreSQL for demo, tests and development, without set-up.

They listen on 127.0.0.1 only (no parameter says otherwise) and end with the process that started them, even when that is
killed with -9. They come with the extra `local`; production mode refuses them.
"""

import contextlib
import os
import secrets
import socket

LOOPBACK = "127.0.0.1"
PORTS = range(10_000, 32_000)


class LocalPartError(RuntimeError):
    """An embedded part could not be had; the message says why and what to do."""


def refuse_in_production(mode: str | None = None) -> None:
    """Raise in production mode: `mode`, or ARREARS_MODE where none is given."""
    by_name = [name.strip() for name in os.environ.get("ARREARS_ALLOW", "").split(",")]
    if "embedded-parts" in by_name:
        return
    if (mode or os.environ.get("ARREARS_MODE", "")).strip().lower() == "production":
        raise LocalPartError(
            "ARREARS_MODE=production refuses the embedded Kafka and PostgreSQL: they are for demo, tests and "
            "development. Set ARREARS_KAFKA=host:port and ARREARS_DATABASE_URL=postgresql+asyncpg://... "
            "(or allow them by name: ARREARS_ALLOW=embedded-parts)"
        )


def free_port() -> int:
    """
    A port of 127.0.0.1 that is free now; who binds it later must be ready to lose the race.

    It lies below those that the system gives to outgoing connections: one of these would take it while
    its server starts, or is down for a moment (a client that tries to reconnect may even meet itself).
    """
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
