"""`python -m tests.cdk.synthesis FOLDER`: each variant of the stack in a folder of its own."""

import contextlib
import sys
from pathlib import Path
from typing import Any

from cdk.app import build, context_of

VARIANTS: dict[str, dict[str, Any]] = {
    "dev": {"stage": "dev"},
    "prod": {"stage": "prod"},
    "other": {
        "stage": "dev",
        "egress": "nat",
        "domain": "media.example.com",
        "hosted_zone_id": "Z0123456789",
        "r2_endpoint": "https://account.r2.cloudflarestorage.com",
        "r2_bucket": "lectures",
        "r2_secret": "r2-key",
        "jwt_jwks_url": "https://id.example.com/keys",
        "jwt_audience": "media",
        "image_repository": "academy",
        "image_tag": "v1",
        "alarm_email": "operator@example.com",
        "zones": "ap-northeast-2a,ap-northeast-2c",
        "cdn_base_url": "https://cdn.example.com",
        "upload_origins": "https://a.example.com,https://b.example.com",
    },
}


def main(folder: Path) -> None:
    for name, context in VARIANTS.items():
        app = build({**context_of([]), **context}, folder=folder / name)
        # What cdk-nag finds stands in the folder's report, which a test reads.
        with contextlib.suppress(RuntimeError):
            app.synth()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
