"""What a transcode leaves in the store to say how it ended."""

import json
from typing import Any


def outcome_body(**fields: Any) -> dict[str, Any]:
    rendition = {
        "name": "240p",
        "width": 426,
        "height": 240,
        "frame_rate": 30.0,
        "codecs": "avc1.64001e",
        "bytes": 1000,
        "segments": 2,
        "duration_s": 60.0,
        "average_bps": 133,
        "peak_bps": 200,
        "playlist": "v1/index.m3u8",
    }
    return {
        "status": "ready",
        "duration_s": 60.0,
        "renditions": [rendition],
        "steps": [{"name": "transcoding", "seconds": 1.5}],
        "encoder": "libx264",
        "master": "master.m3u8",
        "thumbnail": "thumbnail.jpg",
        **fields,
    }


def outcome_json(**fields: Any) -> str:
    return json.dumps(outcome_body(**fields))
