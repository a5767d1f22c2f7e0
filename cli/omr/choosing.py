"""Which batch or sheet is meant: a whole identifier, or its first characters as tables show them."""

from typing import Final

from cli import choosing
from cli.omr.api import OmrApi

# So many of the newest batches, and sheets of one, are looked through for a shortened identifier.
LOOKED_THROUGH: Final = 200
MOST_LOOKED_THROUGH: Final = 1000


def batch_id(api: OmrApi, text: str) -> str:
    """Raises `NotFound`, or `Invalid` where `text` is short or could be several."""
    whole = choosing.whole(text)
    if whole is not None:
        return whole
    newest = api.batches(limit=LOOKED_THROUGH).rows
    return choosing.only(text, newest, "batch", among=f" of the newest {LOOKED_THROUGH}")


def sheet_id(api: OmrApi, text: str) -> str:
    """Looked for among the sheets to review, then among those of the newest batch."""
    whole = choosing.whole(text)
    if whole is not None:
        return whole
    sheets = api.review(limit=MOST_LOOKED_THROUGH).rows
    if not any(sheet["id"].startswith(text.lower()) for sheet in sheets):
        newest = api.batches(limit=1).rows
        sheets += [s for batch in newest for s in api.sheets(batch["id"], limit=MOST_LOOKED_THROUGH).rows]
    return choosing.only(text, {sheet["id"]: sheet for sheet in sheets}.values(), "sheet")
