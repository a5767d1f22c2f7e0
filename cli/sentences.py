"""The sentence for a reason that the API gave."""

from pipeline.reasons import SENTENCES, Reason

# Refusals of the API; what follows the colon of those of an upload is a reason code or a detail.
REFUSALS = {
    "source_not_found_or_empty": "No file has arrived, or it is empty.",
    "source_invalid": "The file is not a video that can be used.",
    "duration_too_short": "The video is too short.",
    "token_malformed": "The API does not take this token: it is not one.",
    "token_signature_invalid": "The API does not take this token: another secret has signed it.",
    "token_expired": "The API does not take this token any more: it has expired.",
    "sheet_has_changed": "Somebody else has changed the sheet meanwhile; look at it again.",
}


def sentence(reason: str) -> str:
    """What a teacher is told about `NOT_MEDIA` or `source_invalid:NOT_MEDIA`; empty for a reason without a sentence."""
    head, _, tail = reason.partition(":")
    for code in (head, tail):
        if code in Reason.__members__:
            return SENTENCES[Reason(code)].en
    return REFUSALS.get(head, "")
