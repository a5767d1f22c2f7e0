"""The list of reasons is closed, and its documentation is the list."""

import re
from pathlib import Path

import pytest

from pipeline.reasons import REFUSALS, SENTENCES, Reason, Sentence, sentence_of

PAGE = Path(__file__).parents[2] / "docs" / "reasons.md"


def test_every_reason_has_a_sentence_in_both_languages():
    assert set(SENTENCES) == set(Reason)
    assert all(re.search("[가-힣]", sentence.ko) for sentence in SENTENCES.values())
    assert all(sentence.en[0].isupper() and sentence.en.endswith(".") for sentence in SENTENCES.values())
    assert len({sentence.en for sentence in SENTENCES.values()}) == len(Reason)


def test_the_page_lists_every_reason_with_its_sentences():
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| `[A-Z_]+`", line)]
    assert rows == [f"| `{reason}` | {SENTENCES[reason].en} | {SENTENCES[reason].ko} |" for reason in Reason]


def test_the_page_lists_every_refusal_with_its_sentences():
    rows = [
        line
        for line in PAGE.read_text().splitlines()
        if re.match(r"\| `[a-z_]+[:`][^|]*\| [A-Z][^|]*\| .*[가-힣]", line)
    ]
    assert rows == [f"| `{reason}` | {said.en} | {said.ko} |" for reason, said in REFUSALS.items()]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("NOT_MEDIA", SENTENCES[Reason.NOT_MEDIA]),
        ("source_invalid:NOT_MEDIA", SENTENCES[Reason.NOT_MEDIA]),
        ("source_invalid:SIZE_MISMATCH", REFUSALS["source_invalid:SIZE_MISMATCH"]),
        ("source_invalid:WHATEVER", REFUSALS["source_invalid"]),
        ("duration_too_short:1.2", REFUSALS["duration_too_short"]),
        ("source_not_found_or_empty", REFUSALS["source_not_found_or_empty"]),
        ("job_is_live", None),
        (None, None),
    ],
)
def test_a_refusal_has_the_sentence_of_its_reason(reason: str | None, said: Sentence | None):
    assert sentence_of(reason) == said
