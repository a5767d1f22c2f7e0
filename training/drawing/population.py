"""Who marks drawn sheets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Population:
    """`pressure` is how hard a hand presses from one mark to the next, as shares of its strength (None: always alike),
    `cornered_fills` the share of a box's fills that reach into all four corners.
    """

    pressure: tuple[float, float] | None
    cornered_fills: float


# EVEN marked the sheets that both networks' weights were made of, VARIED is who marks all others.
EVEN = Population(pressure=None, cornered_fills=0.0)
VARIED = Population(pressure=(0.75, 1.1), cornered_fills=0.5)
