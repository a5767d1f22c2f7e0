"""One reading against its truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from jobs.omr.evaluating.truth import SheetTruth
from pipeline.contracts.omr import REVIEW_CONFIDENCE, Answer, AnswerStatus, Identifier, SheetReading


class Verdict(StrEnum):
    """`flagged` is not right, but was sent to a person; `wrong` is what nobody was told of."""

    RIGHT = "right"
    FLAGGED = "flagged"
    WRONG = "wrong"


@dataclass(frozen=True)
class Compared:
    """One question or identifier. `doubted` is whether the reader itself was unsure of it, right or not."""

    sheet: str
    name: str
    truth: tuple[str, ...]
    read: tuple[str, ...]
    confidence: float
    doubted: bool
    verdict: Verdict


@dataclass(frozen=True)
class SheetScore:
    """`ambiguous` are the questions of which people cannot tell what is right; they count nowhere else."""

    file: str
    reading: SheetReading
    answers: tuple[Compared, ...]
    identifiers: tuple[Compared, ...]
    ambiguous: tuple[Compared, ...]

    @property
    def without_error(self) -> bool:
        """All answers right, and each identifier right or sent to a person."""
        answers = all(answer.verdict is Verdict.RIGHT for answer in self.answers)
        return answers and all(identifier.verdict is not Verdict.WRONG for identifier in self.identifiers)


def compared(reading: SheetReading, truth: SheetTruth) -> SheetScore:
    """Names are compared without regard to case. A refused sheet has nothing right, but everything flagged."""
    answers = {answer.question_id.casefold(): answer for answer in reading.answers}
    found = (reading.identifier, *reading.identifiers)
    identifiers = {identifier.name.casefold(): identifier for identifier in found if identifier}
    ambiguous = {name.casefold() for name in truth.ambiguous}
    all_answers = {name: _answer(name, expected, answers, reading) for name, expected in truth.answers.items()}
    return SheetScore(
        file=truth.file,
        reading=reading,
        answers=tuple(each for name, each in all_answers.items() if name.casefold() not in ambiguous),
        identifiers=tuple(
            _identifier(name, expected, identifiers, reading)
            for name, expected in truth.identifiers.items()
            if name.casefold() not in ambiguous
        ),
        ambiguous=tuple(each for name, each in all_answers.items() if name.casefold() in ambiguous),
    )


def _answer(name: str, expected: tuple[str, ...], answers: Mapping[str, Answer], reading: SheetReading) -> Compared:
    answer = answers.get(name.casefold())
    if answer is None:
        return _missing(name, expected, reading)
    right = sorted(answer.detected) == sorted(expected)
    doubted = answer.confidence < REVIEW_CONFIDENCE
    return Compared(
        reading.file,
        name,
        expected,
        answer.detected,
        answer.confidence,
        doubted,
        _verdict(right=right, doubted=doubted),
    )


def _identifier(name: str, expected: str, identifiers: Mapping[str, Identifier], reading: SheetReading) -> Compared:
    identifier = identifiers.get(name.casefold())
    if identifier is None:
        return _missing(name, (expected,), reading)
    right = (identifier.value or "") == expected
    doubted = identifier.status not in {AnswerStatus.OK, AnswerStatus.BLANK}
    read = () if identifier.value is None else (identifier.value,)
    return Compared(
        reading.file, name, (expected,), read, identifier.confidence, doubted, _verdict(right=right, doubted=doubted)
    )


def _missing(name: str, expected: tuple[str, ...], reading: SheetReading) -> Compared:
    """A refused sheet goes to a person; a question that the template does not have is simply not answered."""
    refused = reading.state == "refused"
    return Compared(reading.file, name, expected, (), 0.0, refused, _verdict(right=False, doubted=refused))


def _verdict(*, right: bool, doubted: bool) -> Verdict:
    if right:
        return Verdict.RIGHT
    return Verdict.FLAGGED if doubted else Verdict.WRONG
