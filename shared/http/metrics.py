"""GET /metrics: what this process counts, and what it finds at the scrape, for Prometheus."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from shared.http.access import needs
from shared.http.context import Running
from shared.http.health import Surveyed

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    dependencies=[needs("metrics:read")],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"example": 'arrears_ready{service="scheduler"} 1.0\n'}}}
    },
)
async def metrics(request: Request, runtime: Running, survey: Surveyed) -> Response:
    """Answer all metrics; figures of database and broker are left out while those do not answer."""
    request.app.state.gauges.view = await survey.view()
    return Response(generate_latest(runtime.metrics.registry), media_type=CONTENT_TYPE_LATEST)
