"""`GET /metrics`, for whoever knows METRICS_TOKEN: figures of all tenants together are nobody's but the operator's.

Where the setting is not set, as in AWS, where CloudWatch has the same figures, there is no such page.
"""

import hmac

from fastapi import APIRouter, Request, Response

from control_plane.auth import bearer_token
from control_plane.metrics.exposition import CONTENT_TYPE
from control_plane.services import Wired
from pipeline.errors import NotAuthenticated, NotFound

router = APIRouter(tags=["health"])


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, services: Wired) -> Response:
    """All metrics of this process, in Prometheus' text format."""
    token = services.settings.metrics_token
    if token is None or services.exposition is None:
        raise NotFound("metrics_not_served", "METRICS_TOKEN is not set")
    if not hmac.compare_digest(bearer_token(request).encode(), token.get_secret_value().encode()):
        raise NotAuthenticated("token_signature_invalid", "this is not METRICS_TOKEN")
    return Response(services.exposition.text(), media_type=CONTENT_TYPE)
