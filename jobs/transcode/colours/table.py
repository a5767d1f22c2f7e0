"""The table that maps wide colours to BT.709, for FFmpeg's `lut3d` filter, which finds what is between its nodes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from jobs.transcode.colours.gamut import clip_to_gamut, dimmed, fit_perceptually
from jobs.transcode.colours.mastering import PQ_PEAK, Mastering
from jobs.transcode.colours.spaces import (
    BT709,
    CHROMATICITIES,
    Primaries,
    Values,
    hlg_light,
    pq_code,
    pq_light,
    screen_codes,
    screen_light,
)
from jobs.transcode.colours.tone_curve import ToneCurve

# On each axis. With 33 of them the Cr of a dark forest is half a level off; with 41 the table is about as exact as that
# of FFmpeg's `scale` filter, which has 65 (docs/benchmarks.md), and 49 take twice as long to make.
NODES = 41
# Nodes are mapped in so many rounds: arrays that fit into a processor's cache take half the time.
ROUNDS = 4
# Reference white of HDR (ITU-R BT.2408), which the brightest of a plain screen is taken for, cd/m2.
SCREEN_PEAK = 203.0
# The display that HLG is made for (ITU-R BT.2100), cd/m2.
HLG_PEAK = 1000.0


@contextmanager
def table_file(primaries: str, transfer: str, mastering: Mastering, *, folder: Path) -> Iterator[Path]:
    """A file of the table (.cube), gone after the block: the filter reads it when it is made."""
    red, green, blue = np.meshgrid(*[np.linspace(0, 1, NODES)] * 3, indexing="ij")
    # Red runs fastest.
    codes = np.stack([blue.ravel(), green.ravel(), red.ravel()])
    rounds = np.array_split(codes, ROUNDS, axis=1)
    mapped = np.concatenate([map_colours(part, primaries, transfer, mastering) for part in rounds], axis=1)
    with NamedTemporaryFile("w", suffix=".cube", dir=folder) as file:
        file.write(f"LUT_3D_SIZE {NODES}\n")
        file.write("%.5f %.5f %.5f\n" * NODES**3 % tuple(mapped.T.ravel().tolist()))
        file.flush()
        yield Path(file.name)


def map_colours(codes: Values, primaries: str, transfer: str, mastering: Mastering) -> Values:
    """Codes of a BT.709 screen (ITU-R BT.1886) for those of a source, all from 0 to 1.

    HDR is mapped as it is perceived: highlights are rolled off, and the most colourful moves most. Of SDR, which is
    no brighter than the screen, all stays that the screen can show.
    """
    coded, shown = Primaries(CHROMATICITIES[primaries]), Primaries(BT709)
    match transfer:
        case "smpte2084":
            _, peak = mastering.light or (0.0, PQ_PEAK)
            # Its codes are absolute, from no light at all, whatever the darkest of the display was.
            darkest, light = 0.0, pq_light(codes)
        case "arib-std-b67":
            darkest, peak = mastering.light or (0.0, HLG_PEAK)
            light = hlg_light(codes, darkest=darkest, brightest=peak)
        case _:
            seen = coded.seen(screen_light(codes, brightest=SCREEN_PEAK))
            return screen_codes(clip_to_gamut(seen, shown=shown, brightest=SCREEN_PEAK), brightest=SCREEN_PEAK)
    seen = coded.seen(light)
    curve = ToneCurve(darkest=pq_code(darkest), brightest=pq_code(peak), shown=pq_code(SCREEN_PEAK))
    graded = Primaries(mastering.gamut) if mastering.gamut is not None else coded
    toned = dimmed(seen, curve.apply(seen[0]))
    fitted = fit_perceptually(toned, graded=graded, shown=shown, brightest=SCREEN_PEAK)
    return screen_codes(fitted, brightest=SCREEN_PEAK)
