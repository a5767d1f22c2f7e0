"""Where the picture of a page lies, in the folder that the child writes to and below the attempt's prefix."""

from pathlib import Path

from jobs.omr.reader.places import Place

OVERLAYS_FOLDER = "overlays"


def overlay_name(place: Place) -> str:
    """Nothing of what the user called the file is in it."""
    return f"{place.file + 1:03}-{place.page:03}.png"


def find_overlay(folder: Path, place: Place) -> str | None:
    """The name, where the child has drawn a picture; whatever else it may have left there is none."""
    path = folder / overlay_name(place)
    drawn = path.is_file() and not path.is_symlink() and path.stat().st_size > 0
    return path.name if drawn else None
