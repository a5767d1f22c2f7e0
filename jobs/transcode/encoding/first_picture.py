"""Tells the log of the first encoded picture. Apart from `encode`, which children import: logs are heavy."""

from jobs.transcode.encoding.encode import FIRST_PICTURE
from pipeline.logs import get_logger
from pipeline.media.sandbox.conversation import News

log = get_logger(__name__)


def log_first_picture(news: News) -> None:
    """Up to here a job has only prepared itself: who looks for a slow start reads this line's time."""
    log.info("first_picture_encoded", rendition=news[FIRST_PICTURE])
