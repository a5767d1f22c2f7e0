"""A set's figures in words, for a person at a terminal."""

from collections.abc import Iterator

from jobs.omr.evaluating.comparing import Verdict
from jobs.omr.evaluating.running import ReadSheet
from jobs.omr.evaluating.totals import Totals


def lines_of(totals: Totals, sheets: list[ReadSheet]) -> Iterator[str]:
    """First what went wrong, sheet by sheet, then the figures."""
    for sheet in sheets:
        reading = sheet.score.reading
        if reading.state == "refused":
            yield f"{sheet.score.file}: refused, {reading.reason} {reading.detail}"
            continue
        for each in (*sheet.score.answers, *sheet.score.identifiers):
            if each.verdict is not Verdict.RIGHT:
                true, read = "+".join(each.truth) or "blank", "+".join(each.read) or "blank"
                yield f"{each.sheet}: {each.name} is {true}, read {read} at {each.confidence:.2f}: {each.verdict}"
    for name, value in _figures(totals):
        yield f"{name:<32}{value}"


def _figures(totals: Totals) -> Iterator[tuple[str, str]]:
    yield "set", f"{totals.set_name} ({totals.engine})"
    yield "sheets without any error", f"{_share(totals.sheets_without_error, totals.sheets)}, {totals.refused} refused"
    yield "questions exactly right", _share(totals.questions_right, totals.questions)
    yield "blank rows read as marked", _share(totals.blank_rows_read_as_marked, totals.blank_rows)
    yield "errors not flagged for review", _share(totals.unflagged_errors, totals.questions)
    yield "answers in doubt", _share(totals.doubted, totals.questions)
    yield "answers blank or with two marks", str(totals.blank_or_multi)
    identifiers = (totals.identifiers_right, totals.identifiers_flagged, totals.identifiers_wrong)
    yield "identifiers", "{} right, {} flagged, {} wrong of {}".format(*identifiers, totals.identifiers)
    ambiguous = (totals.ambiguous_as_in_truth, totals.ambiguous_doubted, totals.ambiguous)
    yield "ambiguous in the truth itself", "{} as written there, {} in doubt of {}".format(*ambiguous)
    yield "sheets per second", f"{totals.sheets_per_second:.1f}"


def _share(count: int, of: int) -> str:
    return f"{count} of {of}" + (f" ({100 * count / of:.3g} %)" if of else "")
