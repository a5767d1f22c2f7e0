"""The sentence for a reason that the API gave."""

from pipeline.reasons import sentence_of

# Refusals that no row keeps, so that nobody but the one who called is told.
REFUSED_CALLS = {
    "token_malformed": "The API does not take this token: it is not one.",
    "token_signature_invalid": "The API does not take this token: another secret has signed it.",
    "token_expired": "The API does not take this token any more: it has expired.",
    "sheet_has_changed": "Somebody else has changed the sheet meanwhile; look at it again.",
}


def sentence(reason: str) -> str:
    """What a teacher is told about `NOT_MEDIA` or `source_invalid:NOT_MEDIA`; empty for a reason without a sentence."""
    said = sentence_of(reason)
    return said.en if said is not None else REFUSED_CALLS.get(reason, "")
