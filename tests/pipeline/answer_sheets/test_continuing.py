import pytest

from pipeline.answer_sheets.continuing import template_of_page
from pipeline.answer_sheets.printing.layout import template_for
from pipeline.answer_sheets.printing.options import SheetOptions
from pipeline.errors import Invalid


def test_the_second_page_of_a_form_numbers_its_questions_on_and_asks_for_the_same_student():
    template = template_for(SheetOptions(name="form", questions=96))
    assert template_of_page(template, 1) == template
    outputs = template_of_page(template, 2).all_outputs()
    assert [output.name for output in outputs][:2] == ["student_number", "q97"]
    assert outputs[1].fields == ("q1",)
    assert outputs[-1].name == "q192"


def test_there_is_no_page_zero():
    with pytest.raises(Invalid, match="pages count from 1, not 0"):
        template_of_page(template_for(SheetOptions(name="form")), 0)
