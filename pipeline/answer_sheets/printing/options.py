"""What an academy says of the sheet that it wants; everything else follows."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from pipeline.answer_sheets.template import Name
from pipeline.contracts.envelope import Contract


class Language(StrEnum):
    ENGLISH = "en"
    KOREAN = "ko"


class Choices(StrEnum):
    """How the choices of a question are called."""

    LETTERS = "letters"
    NUMBERS = "numbers"


# What students of each language are used to.
USUAL_CHOICES: Final = {Language.ENGLISH: Choices.LETTERS, Language.KOREAN: Choices.NUMBERS}


class SheetOptions(Contract):
    """`student_digits` is 8 for a number derived from a phone's, 0 for none; `columns` None chooses."""

    name: Name
    questions: Annotated[int, Field(ge=1, le=200)] = 20
    choices: Annotated[int, Field(ge=2, le=10)] = 5
    student_digits: Annotated[int, Field(ge=0, le=12)] = 8
    columns: Annotated[int, Field(ge=1, le=6)] | None = None
    choices_are: Choices = Choices.LETTERS

    def values(self) -> tuple[str, ...]:
        if self.choices_are is Choices.LETTERS:
            return tuple("ABCDEFGHIJ"[: self.choices])
        return tuple(str(number) for number in range(1, self.choices + 1))
