"""A page that could not be read, as a sheet with a reason."""

from jobs.omr.reader.places import Place
from pipeline.contracts.omr import SheetReading
from pipeline.errors import PermanentError
from pipeline.reasons import Reason


def refused_reading(place: Place, error: PermanentError) -> SheetReading:
    """Its `file` is empty: what the user calls the file is added where that is known."""
    return SheetReading(file="", page=place.page, state="refused", reason=Reason(error.reason), detail=error.detail)
