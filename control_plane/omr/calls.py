"""What callers of the OMR routes send."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipeline.answer_sheets.template import Template
from pipeline.contracts.omr import Engine

# No control characters: Postgres refuses NUL, and the others have no business in a name.
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")]
MAX_FILES = 1000


class Call(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileCall(Call):
    """A file that will be put: its name as the user knows it, its exact size in bytes, its media type."""

    name: Annotated[Text, Field(max_length=255)]
    size: int = Field(gt=0)
    content_type: str = Field(max_length=100)


class TemplateCall(Call):
    """`pictures` are the files that the template's fiducials name, each once."""

    template: Template
    pictures: tuple[FileCall, ...] = Field(default=(), max_length=100)


class BatchCall(Call):
    """`files` are read in this order; their names are different."""

    exam: Annotated[Text, Field(max_length=200)] | int
    title: Annotated[Text, Field(max_length=300)] | None = None
    template_id: UUID
    files: tuple[FileCall, ...] = Field(min_length=1, max_length=MAX_FILES)
    engine: Engine = Engine.AUTO
    overlays: bool = True


Values = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=200)]


class AnswersCall(Call):
    """What a person says of a sheet. A question that is left out stays as it stands; no values mean blank.

    `version` is that of the sheet which the person saw; `identifier` is left out, or is the student's, empty where the
    sheet has none.
    """

    version: int = Field(ge=1)
    answers: dict[str, Values] = Field(default={}, max_length=2000)
    identifier: Annotated[Text, Field(max_length=200)] | Literal[""] | None = None
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] = ""


class ConfirmCall(Call):
    """The sheet is right as it stands in `version`."""

    version: int = Field(ge=1)
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] = ""
