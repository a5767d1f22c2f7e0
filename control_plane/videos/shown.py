"""A video as clients see it."""

from typing import Any

from control_plane.services import Services
from pipeline.database.videos import Video
from pipeline.reasons import SENTENCES, Reason


def show_video(services: Services, video: Video) -> dict[str, Any]:
    return {
        "id": str(video.id),
        "session": video.session_id,
        "title": video.title,
        "filename": video.filename,
        "content_type": video.content_type,
        "size": video.source_bytes or video.declared_bytes,
        "allow_skip": video.allow_skip,
        "max_speed": video.max_speed,
        "show_watermark": video.show_watermark,
        "loudness_lufs": video.loudness_lufs,
        "status": video.status,
        "error_reason": video.error_reason,
        "error_message": _message(video.error_reason),
        "duration": video.duration_s,
        "hls_path": video.hls_path,
        "hls_url": _url(services, video, video.hls_path),
        "thumbnail_url": _url(services, video, video.thumbnail_path),
        "storyboard_url": _url(services, video, video.storyboard_path),
        "renditions": video.renditions,
        "created_by": video.created_by,
        "created_at": video.created_at.isoformat(),
        "updated_at": video.updated_at.isoformat(),
    }


def _url(services: Services, video: Video, path: str | None) -> str | None:
    if path is None:
        return None
    return f"{services.cdn_base_url}/{path}?v={int(video.updated_at.timestamp())}"


def _message(reason: str | None) -> dict[str, str] | None:
    """The sentence for a reason code, or for the one in `source_invalid:CODE`."""
    code = (reason or "").rpartition(":")[2]
    if code not in set(Reason):
        return None
    sentence = SENTENCES[Reason(code)]
    return {"en": sentence.en, "ko": sentence.ko}
