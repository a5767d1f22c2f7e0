"""What registration would hand on for a degraded sheet: the true places, off by as much as a good fit may be."""

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import Template
from training.degrading.degrade import Captured


def registered_by_truth(
    captured: Captured, template: Template, rng: np.random.Generator, wrong_by: float
) -> Registered:
    """`wrong_by` scales the errors: at 1, blocks are off by 5 % of a bubble's size, bubbles by 3 % more, now and then
    by three times as much, and sizes by 6 %.
    """
    form = Form(template=template, pictures={})
    view = captured.view
    centres, halves = form.centres, form.half_sizes
    positions = view.to_capture(centres)
    half_px = np.stack(
        [
            np.linalg.norm(view.to_capture(centres + halves * axis) - view.to_capture(centres - halves * axis), axis=1)
            / 2
            for axis in (np.array([1.0, 0.0]), np.array([0.0, 1.0]))
        ],
        axis=1,
    )
    block_of_bubble = _blocks(form)
    blocks = int(block_of_bubble.max()) + 1
    size = 2 * half_px.min(axis=1, keepdims=True)
    tail = np.where(rng.random((blocks, 1)) < 0.1, 3.0, 1.0)
    off = (rng.normal(0, 0.05, (blocks, 2)) * tail)[block_of_bubble] + rng.normal(0, 0.03, positions.shape)
    grown = np.exp(rng.normal(0, 0.06 * wrong_by, (blocks, 1)))[block_of_bubble]
    scale = float(np.median(half_px / halves))
    return Registered(
        gray=captured.gray,
        colour=None,
        positions=positions + off * size * wrong_by,
        half_sizes_px=half_px * grown,
        px_per_unit=scale,
        residual_mm=0.1,
        method="truth",
        quarter_turns=0,
        mode="photo" if captured.view.bow_mm else "scan",
        to_page=view.to_capture,
    )


def _blocks(form: Form) -> NDArray[np.intp]:
    names = np.array([field.block or "" for field in form.fields])[form.field_of_bubble]
    return np.unique(names, return_inverse=True)[1]
