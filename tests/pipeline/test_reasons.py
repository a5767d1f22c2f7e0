"""The list of reasons is closed, and its documentation is the list."""

import re
from pathlib import Path

from pipeline.reasons import SENTENCES, Reason

PAGE = Path(__file__).parents[2] / "docs" / "reasons.md"


def test_every_reason_has_a_sentence_in_both_languages():
    assert set(SENTENCES) == set(Reason)
    assert all(re.search("[가-힣]", sentence.ko) for sentence in SENTENCES.values())
    assert all(sentence.en[0].isupper() and sentence.en.endswith(".") for sentence in SENTENCES.values())
    assert len({sentence.en for sentence in SENTENCES.values()}) == len(Reason)


def test_the_page_lists_every_reason_with_its_sentences():
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| `[A-Z_]+`", line)]
    assert rows == [f"| `{reason}` | {SENTENCES[reason].en} | {SENTENCES[reason].ko} |" for reason in Reason]
