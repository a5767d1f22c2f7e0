import pytest

from control_plane.videos.priority import priority_of


@pytest.mark.parametrize(
    ("source_s", "priority"),
    [
        (0.5, 400), (300, 400), (300.1, 300), (900, 300), (901, 200), (2940, 200), (3000, 200), (3600, 200),
        (3601, 100), (7200, 100), (7201, 0), (43_200, 0), (None, None),
    ],
)  # fmt: skip
def test_shorter_videos_have_a_higher_priority_in_classes(source_s: float | None, priority: int | None):
    assert priority_of(source_s) == priority
