import numpy as np

from jobs.omr.marks.confidence import confidence_of
from pipeline.contracts.omr import REVIEW_CONFIDENCE


def test_a_confidence_rises_with_what_speaks_for_it_and_stays_on_its_side_of_doubt():
    weight = np.linspace(0, 1, 4001)
    confidence = confidence_of(weight)
    assert np.all(np.diff(confidence) >= 0)
    assert np.array_equal(confidence < REVIEW_CONFIDENCE, weight < REVIEW_CONFIDENCE)
    assert (confidence[0], confidence[-1]) == (0.0, 1.0)
