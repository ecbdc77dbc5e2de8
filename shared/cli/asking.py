"""What `arrears status` does: ask each service for its /health."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import httpx2

from shared.cli.output import fail
from shared.cli.serving import running_here
from shared.cli.tokens import token_for

ANSWER_SECONDS = 8.0
EVERY_SECONDS = 2.0
Health = Mapping[str, Any]


def urls_or_fail() -> dict[str, str]:
    """Answer the base URL of each service: from ARREARS_URLS, or of what runs in this folder; or say so and end."""
    text = os.environ.get("ARREARS_URLS") or running_here().get("ARREARS_URLS", "")
    if not text:
        fail(
            "nothing runs in this folder: start `arrears up`, or set "
            "ARREARS_URLS=scheduler=http://host:port,notifier=..."
        )
    pairs = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
    if any(not (name and url.startswith(("http://", "https://"))) for name, _, url in pairs):
        fail("ARREARS_URLS must read name=http://host:port, with commas between")
    return {name: url.rstrip("/") for name, _, url in pairs}


async def ask_all(urls: Mapping[str, str]) -> dict[str, Health]:
    """Answer what the /health of each says; one that does not answer fails, and its `notes` say why."""
    headers = {"Authorization": f"Bearer {token_for('operator')}"}
    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, headers=headers) as client:
        answers = await asyncio.gather(*(_ask(client, url) for url in urls.values()))
    return dict(zip(urls, answers, strict=True))


async def _ask(client: httpx2.AsyncClient, url: str) -> Health:
    try:
        answer = await client.get(f"{url}/health")
        body = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        return {"status": "fail", "notes": [f"{url} does not answer: {type(error).__name__}"]}
    if not isinstance(body, dict) or body.get("status") not in ("pass", "warn", "fail"):
        said = body.get("title", "") if isinstance(body, dict) else ""
        return {"status": "fail", "notes": [f"{url} answers {answer.status_code} {said}".rstrip()]}
    return body


def failing(found: Mapping[str, Health]) -> bool:
    """Tell whether any service fails."""
    return any(body["status"] == "fail" for body in found.values())


def watching(urls: Mapping[str, str]) -> None:
    """Show the table anew every two seconds, until interrupted."""
    from rich.live import Live  # noqa: PLC0415

    from shared.cli.status_table import table  # noqa: PLC0415

    async def run() -> None:
        with Live(table(await ask_all(urls)), auto_refresh=False, screen=False) as live:
            while True:
                await asyncio.sleep(EVERY_SECONDS)
                live.update(table(await ask_all(urls)), refresh=True)

    asyncio.run(run())
