"""Fields that belong together are reported together, by names and by where they stand."""

import json
from pathlib import Path

import pytest

from pipeline.answer_sheets.importing.grouping import Group, grouped
from pipeline.answer_sheets.importing.naming import identifier_name, question_name, stem_and_number
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.answer_sheets.importing.wording import rules_of
from pipeline.answer_sheets.template import Bubble, Field, FieldKind, MarkRules, Meaning, Output, OutputKind

SETS = Path(__file__).parents[5] / "shared" / "omr"


def column(
    name: str, x: float, *, kind: FieldKind = FieldKind.DIGIT, values: str = "0123456789", top: float = 50
) -> Field:
    bubbles = tuple(Bubble(value=value, x=x, y=top + 25 * row) for row, value in enumerate(values))
    return Field(name=name, kind=kind, half_width=10, half_height=10, bubbles=bubbles)


def question(name: str, y: float) -> Field:
    bubbles = tuple(Bubble(value=value, x=50 + 30 * place, y=y) for place, value in enumerate("ABCD"))
    return Field(name=name, half_width=10, half_height=10, bubbles=bubbles)


def names(outputs: tuple[Output, ...]) -> dict[str, tuple[str, ...]]:
    return {output.name: output.fields for output in outputs}


def test_digits_that_differ_only_in_their_number_are_one_identifier_in_the_numbers_order():
    digits = [column(f"roll{place}", 100 + 30 * place) for place in (10, 2, 1)]
    (found,) = grouped(digits)
    assert (found.name, found.kind, found.student) == ("roll", OutputKind.IDENTIFIER, True)
    assert found.fields == ("roll1", "roll2", "roll10")


def test_two_digits_below_a_questions_number_are_an_answer_and_no_identifier():
    (found,) = grouped([column("q6_1", 100), column("q6_2", 130)])
    assert (found.name, found.kind) == ("q6", OutputKind.QUESTION)


def test_a_letter_column_beside_the_digits_is_a_place_of_the_number():
    digits = [column(f"roll{place}", 100 + 30 * place) for place in (1, 2, 3)]
    before = column("Medium", 100, kind=FieldKind.CHOICE, values="EH")
    after = column("check", 220, kind=FieldKind.CHOICE, values="ABC")
    found = names(grouped([after, *digits, before]))
    assert found == {"roll": ("Medium", "roll1", "roll2", "roll3", "check")}


@pytest.mark.parametrize("away", [{"x": 40}, {"x": 100, "top": 75}, {"x": 300}])
def test_a_choice_column_elsewhere_stays_a_question(away: dict[str, float]):
    digits = [column(f"roll{place}", 100 + 30 * place) for place in (1, 2, 3)]
    x, top = away["x"], away.get("top", 50)
    found = names(grouped([column("booklet", x, kind=FieldKind.CHOICE, values="ABCD", top=top), *digits]))
    assert found == {"roll": ("roll1", "roll2", "roll3")}


def test_a_one_letter_stem_takes_the_name_of_the_group_that_lists_it():
    digits = [column(f"b{place}", 100 + 30 * place) for place in (1, 2)]
    assert list(names(grouped(digits, [Group("Booklet_No", ("b1", "b2"))]))) == ["booklet_no"]
    assert list(names(grouped(digits, [Group("Booklet_No", ("b1",))]))) == ["b"]


def test_the_student_is_found_by_name_and_never_is_a_booklet():
    def student(*stems: str) -> list[str]:
        fields = [column(f"{stem}{place}", 100 + 30 * place) for stem in stems for place in (1, 2)]
        return [output.name for output in grouped(fields) if output.student]

    assert student("dob", "mobile", "roll", "test_id") == ["roll"]
    assert student("course_id", "student_id") == ["student_id"]
    assert student("mobile", "dob") == ["mobile"]
    assert student("booklet_no") == []
    assert student("xyz") == ["xyz"]


def test_question_names_are_spelled_as_keys_spell_them():
    assert names(grouped([question("Q7", 10), question("gender", 40)])) == {"q7": ("Q7",)}
    assert question_name("How clean was it?") == "How clean was it?"
    assert identifier_name("subjectCode") == identifier_name("Subject Code") == "subject_code"
    assert stem_and_number("student_id0") == ("student_id", 0)
    assert stem_and_number("q5.2") == ("q5", 2)
    assert stem_and_number("name") is None


@pytest.mark.parametrize(
    ("notes", "rules"),
    [
        ("", MarkRules()),
        ("red drop-out ink = pink", MarkRules()),
        (
            "CROSS in a square box = marked; completely filled = cancelled.",
            MarkRules(cross=Meaning.MARKED, filled=Meaning.UNMARKED),
        ),
        ("Completely filled box = cancelled (not marked).", MarkRules(filled=Meaning.UNMARKED)),
        ("tick = marked; cross = not marked; half filled = review", MarkRules(cross=Meaning.UNMARKED)),
        ("partial = marked", MarkRules(partial=Meaning.MARKED)),
    ],
)
def test_what_the_notes_say_of_marks_becomes_rules(notes: str, rules: MarkRules):
    assert rules_of(notes) == rules


@pytest.mark.skipif(not SETS.is_dir(), reason="needs ../shared/omr beside the repository")
@pytest.mark.parametrize("folder", sorted(SETS.iterdir()) if SETS.is_dir() else [], ids=lambda folder: folder.name)
def test_every_key_of_a_real_sets_truth_is_an_output_of_its_template(folder: Path):
    template = open_template(folder / "template.json").template
    kinds = {output.name: output.kind for output in template.all_outputs()}
    sheets = json.loads((folder / "ground_truth.json").read_text())["sheets"]
    for sheet in sheets:
        if sheet.get("page", 1) == 1:
            assert {kinds[name] for name in sheet["answers"]} <= {OutputKind.QUESTION}
        assert {kinds[name] for name in sheet.get("identifiers") or {}} <= {OutputKind.IDENTIFIER}
