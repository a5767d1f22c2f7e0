"""Names of the files of a stream, below its folder."""

from pipeline.storage.keys import MASTER_NAME, STORYBOARD_NAME, THUMBNAIL_NAME

__all__ = [
    "AUDIO_FOLDER",
    "IFRAME_PLAYLIST_NAME",
    "INIT_NAME",
    "MASTER_NAME",
    "MEDIA_PLAYLIST_NAME",
    "STORYBOARD_FOLDER",
    "STORYBOARD_INDEX_NAME",
    "STORYBOARD_NAME",
    "THUMBNAIL_NAME",
    "segment_name",
    "sheet_name",
]

AUDIO_FOLDER = "audio"
INIT_NAME = "init.mp4"
MEDIA_PLAYLIST_NAME = "index.m3u8"
IFRAME_PLAYLIST_NAME = "iframes.m3u8"
STORYBOARD_FOLDER, STORYBOARD_INDEX_NAME = STORYBOARD_NAME.split("/")


def segment_name(number: int) -> str:
    return f"{number:05}.m4s"


def sheet_name(number: int) -> str:
    return f"{number:03}.jpg"
