"""Which of a source's pictures is shown at each place of the output's grid."""

from fractions import Fraction

import pytest
from av.video.frame import VideoFrame

from jobs.transcode.encoding.pictures import Placement
from tests.jobs.transcode.parts.test_cutting import plan_of


@pytest.mark.parametrize(
    ("stamps", "first", "due"),
    [
        # As AVI tells the times of pictures of which every third looks ahead.
        ([1, 3, 4, 2, 6, 7, 5, 9, 10, 8], 0, [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ([3, 5, 6, 4, 8, 9, 7], 5, [1, 2, 3, 4, 5]),
        ([3, None, None, None, 7], 0, [0, 0, 0, 0, 1, 2, 3]),
        ([3, None, None, None, 7], 5, [2, 3]),
    ],
)
def test_pictures_are_shown_in_the_order_in_which_a_decoder_hands_them_out(
    stamps: list[int | None], first: int, due: list[int]
):
    """From place `first` of the grid on, which is where a part begins that decodes some pictures before it."""
    placement = Placement(plan_of(seconds=2), range(first, 50))
    frames = [VideoFrame(16, 16) for _ in stamps]
    shown = []
    for frame, stamp in zip(frames, stamps, strict=True):
        frame.pts, frame.time_base = stamp, Fraction(1, 25)
        shown += [(picture.number, frames.index(picture.frame)) for picture in placement.place(frame)]
    assert shown == list(enumerate(due, start=first))
