"""What a route works with: the running service of this application."""

from typing import Annotated, cast

from fastapi import Depends, Query, Request

from shared.runtime import Runtime

MOST_ROWS = 500


def runtime_of(request: Request) -> Runtime:
    """Answer the runtime that the application's lifespan started."""
    return cast("Runtime", request.app.state.runtime)


Running = Annotated[Runtime, Depends(runtime_of)]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="The most rows to answer.")]
After = Annotated[
    str,
    Query(max_length=300, description="Where the page before this one ended: its `next`."),
]
