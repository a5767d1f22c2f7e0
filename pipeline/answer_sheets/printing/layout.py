"""Where everything stands on a sheet of ours: A4, in millimetres from the paper's top left corner.

The corner marks are an L at the top left, which tells which way is up, and three squares, as in OpenMCR. They begin
10 mm from the paper's edges, since many printers leave 5 to 8 mm blank.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

from pipeline.answer_sheets.printing.options import SheetOptions
from pipeline.answer_sheets.template import (
    Corner,
    Fiducial,
    FiducialKind,
    FieldBlock,
    FieldKind,
    Frame,
    Output,
    OutputKind,
    Template,
)
from pipeline.answer_sheets.versioning import versioned
from pipeline.errors import Invalid

WIDTH_MM: Final = 210.0
HEIGHT_MM: Final = 297.0
MARGIN_MM: Final = 10.0
SQUARE_MM: Final = 5.0
# Text and bubbles keep clear of the corner marks.
LEFT_MM: Final = 18.0
RIGHT_MM: Final = WIDTH_MM - LEFT_MM
BOTTOM_MM: Final = 280.0

DIGITS_TOP_MM: Final = 41.0
DIGIT_STEP_MM: Final = 6.0
DIGIT_COLUMN_MM: Final = 6.2

ANSWERS_BELOW_DIGITS_MM: Final = 108.0
ANSWERS_BELOW_HEADING_MM: Final = 80.0
NUMBER_MM: Final = 8.0
BETWEEN_COLUMNS_MM: Final = 5.0
ROWS_TOGETHER: Final = 5
BETWEEN_GROUPS_MM: Final = 2.0
# Rows closer than the last are hard to fill; up to the first they are pleasant.
ROW_STEPS_MM: Final = (7.0, 6.5, 5.2)
BUBBLE_STEPS_MM: Final = (7.0, 5.6)
# All bubbles of a sheet have one size, and stand well apart: what registers the page looks for them.
LARGEST_HALF_MM: Final = 2.2
BUBBLE_SHARE: Final = 0.76


@dataclass(frozen=True)
class Grid:
    """The answers: so many columns of so many rows, and how far apart rows and bubbles are, in millimetres."""

    columns: int
    rows: int
    row_step: float
    bubble_step: float


def template_for(options: SheetOptions) -> Template:
    """The sheet's template; raises `Invalid` where so many questions do not fit on a page."""
    top = ANSWERS_BELOW_DIGITS_MM if options.student_digits else ANSWERS_BELOW_HEADING_MM
    grid = _grid(options, BOTTOM_MM - top)
    half = min(LARGEST_HALF_MM, BUBBLE_SHARE * min(grid.row_step, grid.bubble_step) / 2)
    blocks = (*_digits(options, half), *_answers(options, grid, top=top, half=half))
    return versioned(
        Template(
            name=options.name,
            frame=Frame(width=WIDTH_MM, height=HEIGHT_MM, mm_per_unit=1),
            fiducials=_corner_marks(),
            blocks=blocks,
            outputs=_student(options),
        )
    )


def _corner_marks() -> tuple[Fiducial, ...]:
    near, half = MARGIN_MM, SQUARE_MM / 2
    right, bottom = WIDTH_MM - near - half, HEIGHT_MM - near - half
    squares = (
        (Corner.TOP_RIGHT, right, near + half),
        (Corner.BOTTOM_RIGHT, right, bottom),
        (Corner.BOTTOM_LEFT, near + half, bottom),
    )
    return (
        Fiducial(kind=FiducialKind.L_MARK, corner=Corner.TOP_LEFT, at=(near, near), length=2 * SQUARE_MM),
        *(Fiducial(kind=FiducialKind.SQUARE, corner=c, at=(x, y), length=SQUARE_MM) for c, x, y in squares),
    )


def _digits(options: SheetOptions, half: float) -> tuple[FieldBlock, ...]:
    if not options.student_digits:
        return ()
    return (
        FieldBlock(
            name="student_number",
            kind=FieldKind.DIGIT,
            half_width=half,
            half_height=half,
            origin=(LEFT_MM + DIGIT_COLUMN_MM / 2, DIGITS_TOP_MM),
            bubbles_run="down",
            bubble_step=DIGIT_STEP_MM,
            field_step=DIGIT_COLUMN_MM,
            fields=_digit_names(options),
            values=tuple("0123456789"),
        ),
    )


def _digit_names(options: SheetOptions) -> tuple[str, ...]:
    return tuple(f"student_number{place}" for place in range(1, options.student_digits + 1))


def _student(options: SheetOptions) -> tuple[Output, ...]:
    digits = options.student_digits
    if not digits:
        return ()
    number = Output(
        name="student_number", kind=OutputKind.IDENTIFIER, fields=_digit_names(options), student=True, length=digits
    )
    return (number,)


def _answers(options: SheetOptions, grid: Grid, *, top: float, half: float) -> tuple[FieldBlock, ...]:
    """A block for each group of rows, the columns centred on the page."""
    column = _column_width(options, grid.bubble_step)
    left = WIDTH_MM / 2 - (grid.columns * (column + BETWEEN_COLUMNS_MM) - BETWEEN_COLUMNS_MM) / 2
    blocks = []
    for first in range(1, options.questions + 1, ROWS_TOGETHER):
        place, row = divmod(first - 1, grid.rows)
        last = min(first + ROWS_TOGETHER - 1, options.questions)
        blocks.append(
            FieldBlock(
                name=f"q{first}-{last}",
                half_width=half,
                half_height=half,
                origin=(
                    round(left + place * (column + BETWEEN_COLUMNS_MM) + NUMBER_MM + grid.bubble_step / 2, 3),
                    round(top + (row + 0.5) * grid.row_step + row // ROWS_TOGETHER * BETWEEN_GROUPS_MM, 3),
                ),
                bubble_step=grid.bubble_step,
                field_step=grid.row_step,
                fields=tuple(f"q{number}" for number in range(first, last + 1)),
                values=options.values(),
            )
        )
    return tuple(blocks)


def _grid(options: SheetOptions, height: float) -> Grid:
    """The fewest columns whose rows are pleasantly far apart, else those with the widest rows."""
    wanted = (options.columns,) if options.columns else range(1, 7)
    grids = [grid for columns in wanted if (grid := _with_columns(options, columns, height))]
    if not grids:
        columns = f" in {options.columns} columns" if options.columns else ""
        raise Invalid(
            "sheet_does_not_fit",
            f"{options.questions} questions of {options.choices} choices{columns} do not fit on an A4 page",
        )
    # More than ten questions under each other, and nothing beside them, waste the page.
    usual = [grid for grid in grids if grid.columns > 1 or options.questions <= 2 * ROWS_TOGETHER] or grids
    pleasant = [grid for grid in usual if grid.row_step >= ROW_STEPS_MM[1]]
    return pleasant[0] if pleasant else max(usual, key=lambda grid: grid.row_step)


def _with_columns(options: SheetOptions, columns: int, height: float) -> Grid | None:
    rows = ceil(ceil(options.questions / columns) / ROWS_TOGETHER) * ROWS_TOGETHER
    row_step = min(ROW_STEPS_MM[0], (height - (rows / ROWS_TOGETHER - 1) * BETWEEN_GROUPS_MM) / rows)
    room = (RIGHT_MM - LEFT_MM + BETWEEN_COLUMNS_MM) / columns - BETWEEN_COLUMNS_MM - NUMBER_MM
    bubble_step = min(BUBBLE_STEPS_MM[0], room / options.choices)
    if row_step < ROW_STEPS_MM[-1] or bubble_step < BUBBLE_STEPS_MM[-1]:
        return None
    return Grid(columns, rows, row_step=round(row_step, 2), bubble_step=round(bubble_step, 2))


def _column_width(options: SheetOptions, bubble_step: float) -> float:
    return NUMBER_MM + options.choices * bubble_step
