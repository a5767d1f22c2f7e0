"""What is printed is where the template says, and nothing else is."""

from itertools import groupby
from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest
from numpy.typing import NDArray

from pipeline.answer_sheets.checking import findings
from pipeline.answer_sheets.printing.layout import template_for
from pipeline.answer_sheets.printing.options import Choices, Language, SheetOptions
from pipeline.answer_sheets.printing.page import page_id, sheet_pdf
from pipeline.answer_sheets.template import (
    Bubble,
    Corner,
    Fiducial,
    FiducialKind,
    Field,
    Frame,
    Output,
    OutputKind,
    Shape,
    Template,
)
from pipeline.errors import Invalid

PX_PER_MM = 8
SIZES = [
    {"questions": 1, "choices": 2, "student_digits": 12},
    {"questions": 20, "choices": 5},
    {"questions": 60, "choices": 4, "student_digits": 0},
    {"questions": 100, "choices": 5, "choices_are": Choices.NUMBERS},
    {"questions": 120, "choices": 5},
]
EVERY_MARK_KIND = (
    FiducialKind.SQUARE,
    FiducialKind.RING,
    FiducialKind.BRACKET,
    FiducialKind.L_MARK,
    FiducialKind.CROSS,
)


def printed(pdf: bytes, page: int = 0) -> NDArray[np.uint8]:
    """The page as a gray picture of PX_PER_MM pixels a millimetre."""
    document = pypdfium2.PdfDocument(pdf)
    return np.array(document[page].render(scale=PX_PER_MM * 25.4 / 72, grayscale=True).to_numpy())


def asked(**options: Any) -> Template:
    return template_for(SheetOptions(name="sheet", **options))


def darkness(page: NDArray[np.uint8], x_mm: float, y_mm: float, radius_mm: float) -> float:
    """The mean share of ink on a circle, each direction taken at its darkest within 0.15 mm of the radius."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    reach = np.arange(radius_mm - 0.15, radius_mm + 0.16, 0.05)[:, None]
    columns = np.rint((x_mm + reach * np.cos(angles)) * PX_PER_MM).astype(int)
    rows = np.rint((y_mm + reach * np.sin(angles)) * PX_PER_MM).astype(int)
    return float((1 - page[rows, columns] / 255).max(axis=0).mean())


@pytest.mark.parametrize("options", SIZES, ids=str)
def test_each_bubble_of_the_template_is_printed_where_the_template_says(options: dict[str, Any]):
    template = asked(**options)
    page = printed(sheet_pdf(template, Language.KOREAN))
    assert np.abs(np.array(page.shape) - (297 * PX_PER_MM, 210 * PX_PER_MM)).max() <= 1
    for field in template.all_fields():
        for bubble in field.bubbles:
            outline = darkness(page, bubble.x, bubble.y, field.half_width)
            inside = darkness(page, bubble.x, bubble.y, field.half_width * 0.8)
            assert outline > 0.5, (field.name, bubble)
            assert inside < 0.15, (field.name, bubble)


@pytest.mark.parametrize("options", SIZES, ids=str)
def test_a_sheet_of_any_size_has_nothing_wrong_with_it_and_keeps_the_printers_margin(options: dict[str, Any]):
    template = asked(**options)
    assert not [each for each in findings(template) if "none is the student" not in each.problem]
    page = printed(sheet_pdf(template, Language.ENGLISH, title="A title that is much too long " * 20))
    margin = 8 * PX_PER_MM
    page[margin:-margin, margin:-margin] = 255
    assert page.min() == 255


@pytest.mark.parametrize("questions", [11, 33, 42, 99])
def test_columns_are_filled_one_after_the_other_and_end_above_the_corner_marks(questions: int):
    firsts = [field.bubbles[0] for field in asked(questions=questions).all_fields() if field.name.startswith("q")]
    columns = [list(column) for _, column in groupby(firsts, key=lambda bubble: bubble.x)]
    assert [len(column) for column in columns][:-1] == [len(columns[0])] * (len(columns) - 1)
    assert [column[0].x for column in columns] == sorted({bubble.x for bubble in firsts})
    assert all(column[0].y == columns[0][0].y for column in columns)
    assert all(bubble.y < 280 for bubble in firsts)


def test_questions_stand_in_groups_of_five():
    rows = [field.bubbles[0].y for field in asked().all_fields() if field.name in ("q4", "q5", "q6")]
    assert rows[2] - rows[1] == pytest.approx(rows[1] - rows[0] + 2)


def test_the_corner_marks_are_black_and_tell_which_way_is_up():
    page = printed(sheet_pdf(asked(), Language.ENGLISH, title="A title that is much too long " * 20))

    def ink(left: float, top: float, right: float, bottom: float) -> float:
        cut = page[
            round(top * PX_PER_MM) : round(bottom * PX_PER_MM), round(left * PX_PER_MM) : round(right * PX_PER_MM)
        ]
        return float(1 - cut.mean() / 255)

    for left, top in ((195, 10), (195, 282), (10, 282)):
        assert ink(left, top, left + 5, top + 5) > 0.97
        assert ink(left - 4, top - 1, left - 0.3, top + 6) < 0.01
    assert ink(10, 10, 20, 15) > 0.97
    assert ink(10, 10, 15, 20) > 0.97
    assert ink(15.3, 15.3, 20, 20) < 0.01


def test_the_qr_code_says_which_template_and_which_copy_it_is():
    template = asked()
    reader = cv2.QRCodeDetector()
    assert reader.detectAndDecode(printed(sheet_pdf(template, Language.ENGLISH)))[0] == page_id(template)
    pdf = sheet_pdf(template, Language.ENGLISH, page_ids=("A-001", "A-002"))
    assert [reader.detectAndDecode(printed(pdf, page))[0] for page in (0, 1)] == ["A-001", "A-002"]
    renamed = template.model_copy(update={"name": "other", "version": "2"})
    assert page_id(asked(questions=21)) != page_id(template) == page_id(renamed)


def test_korean_and_english_words_are_in_the_pdf_as_text():
    def words(language: Language, **options: Any) -> str:
        pdf = sheet_pdf(asked(**options), language, title="3월 모의고사")
        return str(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range())

    korean = words(Language.KOREAN)
    assert "이름" in korean
    assert "휴대전화 번호 뒤 8자리" in korean
    assert "3월 모의고사" in korean
    english = words(Language.ENGLISH, student_digits=5)
    assert "Name" in english
    assert "Student number" in english
    assert "phone" not in english
    assert "number" not in words(Language.ENGLISH, student_digits=0)


def test_the_same_sheet_is_the_same_file():
    assert sheet_pdf(asked(), Language.KOREAN) == sheet_pdf(asked(), Language.KOREAN)


@pytest.mark.parametrize(
    "options",
    [
        {"questions": 200, "choices": 5},
        {"questions": 20, "choices": 10, "columns": 3},
        {"questions": 100, "columns": 1},
    ],
)
def test_what_does_not_fit_on_a_page_is_refused_with_the_numbers(options: dict[str, Any]):
    with pytest.raises(Invalid, match=f"{options['questions']} questions of .* do not fit on an A4 page"):
        asked(**options)


@pytest.mark.parametrize("kind", EVERY_MARK_KIND)
def test_another_programs_form_is_printed_at_the_size_of_the_page_with_its_own_marks(kind: FiducialKind):
    template = Template(
        name="other",
        frame=Frame(width=950, height=1000),
        fiducials=tuple(
            Fiducial(kind=kind, corner=corner, at=at, length=40)
            for corner, at in zip(Corner, ((0, 0), (950, 0), (950, 1000), (0, 1000)), strict=True)
        ),
        fields=(
            Field(name="q1", half_width=12, half_height=12, bubbles=(Bubble(value="A", x=475, y=500),)),
            Field(
                name="sure",
                shape=Shape.SQUARE,
                half_width=12,
                half_height=12,
                bubbles=(Bubble(value="very", x=475, y=700),),
            ),
            Field(
                name="form",
                half_width=12,
                half_height=12,
                bubbles=(Bubble(value="A", x=300, y=500), Bubble(value="B", x=340, y=500)),
            ),
        ),
        outputs=(Output(name="form", kind=OutputKind.IDENTIFIER, fields=("form",)),),
    )
    page = printed(sheet_pdf(template, Language.ENGLISH))
    assert darkness(page, 105, 148.5, 12 * 0.2) > 0.35
    corner = page[round(46 * PX_PER_MM) : round(56.4 * PX_PER_MM), round(8 * PX_PER_MM) : round(18.4 * PX_PER_MM)]
    assert 0.02 < 1 - corner.mean() / 255 < 0.9


def test_a_form_without_marks_of_a_known_place_is_not_printed():
    template = asked().model_copy(update={"fiducials": (Fiducial(kind=FiducialKind.FORM),)})
    with pytest.raises(Invalid, match="template 'sheet' has 0 corner marks"):
        sheet_pdf(template, Language.ENGLISH)
