"""From a form's loose words about its marks to `Fiducial`s: kinds, corners and sides, and where the frame lies."""

import re
from pathlib import PurePath

from pipeline.answer_sheets.importing.places import Place
from pipeline.answer_sheets.template import Corner, Fiducial, FiducialKind, Frame, Side

# The first that occurs in a form's word for a mark, such as `corner_bracket`, `L_mark` or `concentric squares`.
KINDS: tuple[tuple[str, FiducialKind], ...] = (
    ("concentric", FiducialKind.RING),
    ("ring", FiducialKind.RING),
    ("bracket", FiducialKind.BRACKET),
    ("l_mark", FiducialKind.L_MARK),
    ("l_shape", FiducialKind.L_MARK),
    ("cross", FiducialKind.CROSS),
    ("plus", FiducialKind.CROSS),
    ("timing", FiducialKind.TIMING_TRACK),
    ("track", FiducialKind.TIMING_TRACK),
    ("marker_image", FiducialKind.MARKER_IMAGE),
    ("page", FiducialKind.PAGE_EDGE),
    ("paper", FiducialKind.PAGE_EDGE),
    ("whole_image", FiducialKind.WHOLE_IMAGE),
    ("none", FiducialKind.WHOLE_IMAGE),
    ("square", FiducialKind.SQUARE),
    ("block", FiducialKind.SQUARE),
)
# Codes say which page it is, not where it lies.
NOT_FOR_REGISTRATION = ("barcode", "qr", "datamatrix")
CORNER_KINDS = (
    FiducialKind.SQUARE,
    FiducialKind.RING,
    FiducialKind.BRACKET,
    FiducialKind.L_MARK,
    FiducialKind.CROSS,
    FiducialKind.MARKER_IMAGE,
)
OUTER_CORNER_KINDS = (FiducialKind.BRACKET, FiducialKind.L_MARK)
PICTURE = re.compile(r"[\w\-]+\.(?:png|jpe?g|tiff?|bmp)\b", re.IGNORECASE)
# The frame is the whole scan, so that the picture's own edges are a first guess.
WHOLE_SCAN = re.compile(r"\bwhole (page|image)\b|\bpixel frame\b")
DPI = re.compile(r"(\d{2,4})\s*dpi", re.IGNORECASE)
MM_PER_INCH = 25.4


def frame_of(place: Place) -> tuple[Frame, str]:
    """The frame and what the form says of it. `at N dpi` ties it to paper."""
    described = place.find("desc")
    said = described.text().lower() if described else ""
    dpi = DPI.search(said)
    frame = Frame(
        width=place.get("width").positive(),
        height=place.get("height").positive(),
        mm_per_unit=MM_PER_INCH / int(dpi[1]) if dpi and int(dpi[1]) else None,
    )
    return frame, said


def fiducials_of(place: Place, frame: Frame, said: str) -> tuple[Fiducial, ...]:
    """Every mark that the form lists, spread over the corners or sides of its role; unused ones are left out."""
    listed = [fiducial for each in place.each() for fiducial in _spread(each, frame, said)]
    if WHOLE_SCAN.search(said):
        listed.append(Fiducial(kind=FiducialKind.WHOLE_IMAGE))
    if not listed or all(fiducial.kind is FiducialKind.WHOLE_IMAGE for fiducial in listed):
        listed.insert(0, Fiducial(kind=FiducialKind.FORM))
    return tuple(dict.fromkeys(listed))


def frame_corner(frame: Frame, corner: Corner) -> tuple[float, float]:
    return (
        frame.width if corner in (Corner.TOP_RIGHT, Corner.BOTTOM_RIGHT) else 0.0,
        frame.height if corner in (Corner.BOTTOM_RIGHT, Corner.BOTTOM_LEFT) else 0.0,
    )


def track_at_frame_edge(frame: Frame, side: Side) -> Fiducial:
    """A timing track whose outer edge runs along the frame's."""
    middle = {
        Side.LEFT: (0.0, frame.height / 2),
        Side.RIGHT: (frame.width, frame.height / 2),
        Side.TOP: (frame.width / 2, 0.0),
        Side.BOTTOM: (frame.width / 2, frame.height),
    }[side]
    length = frame.height if side in (Side.LEFT, Side.RIGHT) else frame.width
    return Fiducial(kind=FiducialKind.TIMING_TRACK, side=side, at=middle, length=length)


def _spread(place: Place, frame: Frame, said: str) -> list[Fiducial]:
    word = re.sub(r"[\s\-]+", "_", place.get("type").text().strip().lower())
    described = place.find("desc")
    about = described.text().lower() if described else ""
    if any(code in word for code in NOT_FOR_REGISTRATION) or re.search(r"\bunused\b", about):
        return []
    # What is printed there is part of the form, whatever it is called.
    kind = next((kind for name, kind in KINDS if name in word), FiducialKind.FORM)
    picture = _picture(place, kind)
    if picture and kind in CORNER_KINDS:
        kind = FiducialKind.MARKER_IMAGE
    role = place.find("role")
    corners, sides = _roles(role.text() if role else "")
    length = size.positive() if (size := place.find("size_px")) else None
    if kind is FiducialKind.TIMING_TRACK:
        return [_track(side, frame, said, length) for side in sides] or [Fiducial(kind=kind)]
    if kind not in CORNER_KINDS or not corners:
        return [Fiducial(kind=kind, picture=picture, length=length, at=_at(place))]
    given = _at(place)
    return [
        Fiducial(
            kind=kind,
            corner=corner,
            length=length,
            picture=picture,
            at=_centre(kind, corner, given, length, said) if given else _corner_at(corner, kind, frame, said),
        )
        for corner in corners
    ]


def _picture(place: Place, kind: FiducialKind) -> str | None:
    """The file that shows the mark or the blank form; a blank form's may stand in the description."""
    for key in ("marker_image", "picture", "image", "reference_image"):
        if named := place.find(key):
            return PurePath(named.text()).name
    described = place.find("desc")
    if kind is FiducialKind.FORM and described and (found := PICTURE.search(described.text())):
        return found[0]
    return None


def _roles(role: str) -> tuple[list[Corner], list[Side]]:
    """The corners and sides that a role such as `TL/TR`, `all` or `left+right edges` names."""
    words = {word.lower() for word in re.findall(r"[A-Za-z]+", role)}
    corners = [corner for corner in Corner if "all" in words or corner.value.lower() in words]
    return corners, [side for side in Side if side.value in words]


def _at(place: Place) -> tuple[float, float] | None:
    found = place.find("frame_xy") or place.find("at")
    return found.pair() if found else None


def _track(side: Side, frame: Frame, said: str, length: float | None) -> Fiducial:
    if "track" in said and "frame corners" in said:
        return track_at_frame_edge(frame, side)
    return Fiducial(kind=FiducialKind.TIMING_TRACK, side=side, length=length)


def _corner_at(corner: Corner, kind: FiducialKind, frame: Frame, said: str) -> tuple[float, float] | None:
    """The frame's own corner where the form says that its marks' centres (or outer corners) map to it."""
    mapped = "frame corners" in said and "paper" not in said and "track" not in said
    centres = re.search(r"\bcent(er|re)s?\b", said) is not None
    fits = not centres if kind in OUTER_CORNER_KINDS else centres
    return frame_corner(frame, corner) if mapped and fits else None


def _centre(
    kind: FiducialKind, corner: Corner, given: tuple[float, float], length: float | None, said: str
) -> tuple[float, float]:
    """The mark's centre; where the form gives outer corners, half a mark inwards from there."""
    if kind in OUTER_CORNER_KINDS or length is None or "outer corners" not in said:
        return given
    half = length / 2
    right = corner in (Corner.TOP_RIGHT, Corner.BOTTOM_RIGHT)
    low = corner in (Corner.BOTTOM_RIGHT, Corner.BOTTOM_LEFT)
    return given[0] - half if right else given[0] + half, given[1] - half if low else given[1] + half
