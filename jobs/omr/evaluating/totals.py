"""A set's figures from the scores of its sheets."""

from collections.abc import Sequence

from pydantic import Field

from jobs.omr.evaluating.comparing import Compared, SheetScore, Verdict
from pipeline.contracts.envelope import Contract
from pipeline.contracts.omr import Marking


class Totals(Contract):
    """Counts of questions and identifiers. Ambiguous entries of the truth are counted apart from all others.

    `unflagged_errors` are wrong answers that the reader was sure of. `doubted` are answers below the confidence that
    sends them to a person, right or not; `blank_or_multi` those that a person sees by rule, though read with
    certainty. A refused sheet has no question right, all flagged.
    """

    set_name: str
    engine: str
    sheets: int
    refused: int
    sheets_without_error: int
    questions: int
    questions_right: int
    blank_rows: int
    blank_rows_read_as_marked: int
    unflagged_errors: int
    doubted: int
    blank_or_multi: int
    identifiers: int
    identifiers_right: int
    identifiers_flagged: int
    identifiers_wrong: int
    ambiguous: int
    ambiguous_as_in_truth: int
    ambiguous_doubted: int
    seconds: float = Field(ge=0)

    @property
    def sheets_per_second(self) -> float:
        return self.sheets / self.seconds if self.seconds else 0.0


def totals(set_name: str, engine: str, scores: Sequence[SheetScore], *, seconds: float) -> Totals:
    answers = [answer for score in scores for answer in score.answers]
    identifiers = [identifier for score in scores for identifier in score.identifiers]
    ambiguous = [answer for score in scores for answer in score.ambiguous]
    blank = [answer for answer in answers if not answer.truth]
    return Totals(
        set_name=set_name,
        engine=engine,
        sheets=len(scores),
        refused=sum(score.reading.state == "refused" for score in scores),
        sheets_without_error=sum(score.without_error for score in scores),
        questions=len(answers),
        questions_right=_count(answers, Verdict.RIGHT),
        blank_rows=len(blank),
        blank_rows_read_as_marked=sum(bool(answer.read) for answer in blank),
        unflagged_errors=_count(answers, Verdict.WRONG),
        doubted=sum(answer.doubted for answer in answers),
        blank_or_multi=sum(
            answer.marking is not Marking.SINGLE for score in scores for answer in score.reading.answers
        ),
        identifiers=len(identifiers),
        identifiers_right=_count(identifiers, Verdict.RIGHT),
        identifiers_flagged=_count(identifiers, Verdict.FLAGGED),
        identifiers_wrong=_count(identifiers, Verdict.WRONG),
        ambiguous=len(ambiguous),
        ambiguous_as_in_truth=_count(ambiguous, Verdict.RIGHT),
        ambiguous_doubted=sum(answer.doubted for answer in ambiguous),
        seconds=seconds,
    )


def _count(each: Sequence[Compared], verdict: Verdict) -> int:
    return sum(one.verdict is verdict for one in each)
