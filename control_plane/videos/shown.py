"""A video as clients see it."""

from control_plane.replies import message_of
from control_plane.services import Services
from control_plane.videos.replies import RenditionReply, VideoReply
from pipeline.database.videos import Video
from pipeline.lifecycle.video_state import VideoStatus


def show_video(services: Services, video: Video) -> VideoReply:
    return VideoReply(
        id=video.id,
        session=video.session_id,
        title=video.title,
        filename=video.filename,
        content_type=video.content_type,
        size=video.source_bytes or video.declared_bytes,
        allow_skip=video.allow_skip,
        max_speed=video.max_speed,
        show_watermark=video.show_watermark,
        loudness_lufs=video.loudness_lufs,
        status=VideoStatus(video.status),
        error_reason=video.error_reason,
        error_message=message_of(video.error_reason),
        duration=video.duration_s,
        hls_path=video.hls_path,
        hls_url=_url(services, video, video.hls_path),
        thumbnail_url=_url(services, video, video.thumbnail_path),
        storyboard_url=_url(services, video, video.storyboard_path),
        renditions=_renditions(video),
        created_by=video.created_by,
        created_at=video.created_at,
        updated_at=video.updated_at,
    )


def _renditions(video: Video) -> tuple[RenditionReply, ...] | None:
    if video.renditions is None:
        return None
    return tuple(RenditionReply.model_validate(rendition) for rendition in video.renditions)


def _url(services: Services, video: Video, path: str | None) -> str | None:
    if path is None:
        return None
    return f"{services.cdn_base_url}/{path}?v={int(video.updated_at.timestamp())}"
