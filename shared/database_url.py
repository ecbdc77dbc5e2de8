"""How PostgreSQL is reached: one URL that carries user, password and TLS in libpq's words, and what a driver needs of it.

postgresql+asyncpg://arrears:...@db.bank.example/arrears?sslmode=verify-full&sslrootcert=/run/secrets/ca.pem
"""

import ssl
from typing import Any, Literal

import asyncpg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

DatabaseTls = Literal["disable", "require", "verify-full"]
WORDS = ("sslmode", "sslrootcert", "sslcert", "sslkey")


class DatabaseRefused(ConnectionError):
    """The database and we do not trust each other; the message names the setting to look at. Waiting does not help."""


def complete(
    url: str,
    *,
    tls: DatabaseTls | None = None,
    ca: str = "",
    cert: str = "",
    key: str = "",
    password: str = "",
) -> str:
    """
    Answer *url* with everything in it that was given apart; the same again changes nothing.

    Raises ValueError that names the setting: a contradiction, a certificate that cannot be read.
    """
    try:
        found = make_url(url)
    except ArgumentError:
        raise ValueError(
            "ARREARS_DATABASE_URL is no URL such as postgresql+asyncpg://user@host:5432/database"
        ) from None
    given = {"sslmode": tls or "", "sslrootcert": ca, "sslcert": cert, "sslkey": key}
    for word, value in given.items():
        there = found.query.get(word)
        if value and there and there != value:
            raise ValueError(
                f"ARREARS_DATABASE_URL says {word}={there}, and the settings say {value}"
            )
    found = found.update_query_dict({word: value for word, value in given.items() if value})
    if password:
        found = found.set(password=password)
    _, options = split(found.render_as_string(hide_password=False))
    if (ca or cert or key) and not isinstance(options.get("ssl"), ssl.SSLContext):
        raise ValueError(
            "ARREARS_DATABASE_CA, _CERT or _KEY is set, but the connection is not encrypted: "
            "set ARREARS_DATABASE_TLS=verify-full"
        )
    return found.render_as_string(hide_password=False)


def tls_mode(url: str) -> str:
    """Answer the sslmode that a URL asks for; "" leaves it to the server (TLS where offered, plain text else)."""
    return str(make_url(url).query.get("sslmode", "")) if url else ""


def split(url: str) -> tuple[URL, dict[str, Any]]:
    """
    Divide *url* into what SQLAlchemy takes and what asyncpg takes of TLS.

    Raises ValueError that names the setting, for an unknown mode and a file that cannot be read.
    """
    found = make_url(url)
    said = {word: str(found.query[word]) for word in WORDS if word in found.query}
    mode = said.get("sslmode", "")
    found = found.difference_update_query(WORDS)
    if not mode:
        if said:
            raise ValueError("ARREARS_DATABASE_URL has certificates but no sslmode=verify-full")
        return found, {}
    if mode not in {"disable", "require", "verify-full"}:
        raise ValueError(f"ARREARS_DATABASE_TLS is disable, require or verify-full, not {mode!r}")
    if mode == "disable":
        return found, {"ssl": False}
    try:
        return found, {"ssl": _context(mode, said)}
    except (OSError, ValueError) as error:
        raise ValueError(
            f"ARREARS_DATABASE_CA, _CERT or _KEY cannot be read as PEM files: {error}"
        ) from None


def _context(mode: str, said: dict[str, str]) -> ssl.SSLContext:
    """As libpq: verify-full checks chain and name, require only what an authority that was given signed."""
    ca = said.get("sslrootcert")
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if mode == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    if "sslcert" in said:
        context.load_cert_chain(said["sslcert"], said.get("sslkey"), password=_no_password)
    return context


async def connect(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """Connect as asyncpg does, but say DatabaseRefused, with the setting's name, where trust is what is missing."""
    try:
        return await asyncpg.connect(*arguments, **options)
    except ssl.SSLCertVerificationError as error:
        raise DatabaseRefused(
            "the database's certificate does not verify against ARREARS_DATABASE_CA "
            f"(or bears another name than ARREARS_DATABASE_URL): {error.verify_message}"
        ) from error
    except asyncpg.InvalidPasswordError as error:
        raise DatabaseRefused(
            "the database refuses the user of ARREARS_DATABASE_URL or ARREARS_DATABASE_PASSWORD"
        ) from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise DatabaseRefused(
            f"the database refuses this connection: {error}. Does it ask for ARREARS_DATABASE_TLS or _CERT?"
        ) from error
    except ConnectionError as error:
        if "rejected SSL upgrade" in str(error):
            raise DatabaseRefused(
                "the database offers no TLS, and ARREARS_DATABASE_TLS asks for it"
            ) from error
        raise


def _no_password() -> str:
    raise ValueError(
        "the key is encrypted; give one without a password, in a file only we may read"
    )
