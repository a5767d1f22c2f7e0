"""The poster is what a person would take."""

import numpy as np
import pytest

from jobs.transcode.stills.thumbnail_child import Grey, choose, clarity

HEIGHT, WIDTH = 180, 320


def scene(number: int) -> Grey:
    """A room: floor and wall, and boxes that stand somewhere else each time."""
    picture = np.full((HEIGHT, WIDTH), 150, dtype=np.float32)
    picture[120:] = 90
    for box in range(6):
        left, top = (37 * (number + 3 * box)) % 280, 30 + 18 * box
        picture[top : top + 25, left : left + 30] = 40 + 30 * box
    return picture


def title() -> Grey:
    """A line of letters on black."""
    picture = np.full((HEIGHT, WIDTH), 16, dtype=np.float32)
    for left in range(80, 240, 12):
        picture[80:100, left : left + 5] = 235
    return picture


def blurred(picture: Grey, reach: int = 9) -> Grey:
    for axis in (0, 1):
        picture = np.mean([np.roll(picture, shift, axis) for shift in range(-reach, reach + 1)], axis=0)
    return picture.astype(np.float32)


def faded(picture: Grey, share: float) -> Grey:
    return (16 + (picture - 16) * share).astype(np.float32)


BLACK = np.full((HEIGHT, WIDTH), 16, dtype=np.float32)
WHITE = np.full((HEIGHT, WIDTH), 235, dtype=np.float32)
UNWANTED = {
    "black": BLACK,
    "white": WHITE,
    "the title": title(),
    "the title's fade": faded(title(), 0.3),
    "a scene that fades in": faded(scene(1), 0.25),
    "a blurred scene": blurred(scene(2)),
}


@pytest.mark.parametrize("name", UNWANTED)
def test_what_nobody_would_take_is_less_clear_than_a_scene(name: str):
    assert clarity(UNWANTED[name]) < 0.6 * clarity(scene(1))


def test_the_poster_is_a_clear_picture_among_many_unwanted_ones():
    pictures = [*UNWANTED.values(), *UNWANTED.values(), scene(4), scene(5), *UNWANTED.values()]
    assert choose(pictures) in (12, 13)


def test_of_clear_pictures_the_most_typical_is_taken():
    odd = 255 - scene(1)
    assert choose([odd, scene(1), scene(1), scene(1)]) != 0


def test_a_video_of_nothing_but_black_has_a_poster_too():
    assert choose([BLACK, BLACK]) == 0
