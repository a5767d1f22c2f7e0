"""The sentence for a reason that the API gave."""

from pipeline.reasons import SENTENCES, Reason

# Refusals of `upload/complete`; what follows their colon is a reason code or a detail.
UPLOAD_REFUSALS = {
    "source_not_found_or_empty": "No file has arrived, or it is empty.",
    "source_invalid": "The file is not a video that can be used.",
    "duration_too_short": "The video is too short.",
}


def sentence(reason: str) -> str:
    """What a teacher is told about `NOT_MEDIA` or `source_invalid:NOT_MEDIA`; empty for a reason without a sentence."""
    head, _, tail = reason.partition(":")
    for code in (head, tail):
        if code in Reason.__members__:
            return SENTENCES[Reason(code)].en
    return UPLOAD_REFUSALS.get(head, "")
