"""What is printed besides the bubbles, in the two languages of the product."""

from dataclasses import dataclass
from typing import Final

from pipeline.answer_sheets.printing.options import Language

PHONE_DIGITS: Final = 8


@dataclass(frozen=True)
class Words:
    title: str
    lines: tuple[str, ...]
    student_number: str
    phone_number: str
    number_instruction: str
    instructions: tuple[str, ...]
    right: str
    wrong: str

    def instructions_for(self, *, number_asked: bool) -> tuple[str, ...]:
        return (self.number_instruction, *self.instructions) if number_asked else self.instructions

    def number_label(self, digits: int) -> str:
        """What stands above the student's number: eight digits are those of a phone number."""
        return self.phone_number if digits == PHONE_DIGITS else self.student_number


WORDS: Final[dict[Language, Words]] = {
    Language.ENGLISH: Words(
        title="Answer sheet",
        lines=("Name", "Class", "Date"),
        student_number="Student number",
        phone_number="Student number (last 8 digits of the phone number)",
        number_instruction="Write your number in the boxes and fill one bubble below each digit.",
        instructions=(
            "Fill bubbles completely, with a dark pencil or pen.",
            "To change an answer, erase it fully. Keep the black corner marks clean.",
        ),
        right="Right",
        wrong="Wrong",
    ),
    Language.KOREAN: Words(
        title="답안지",
        lines=("이름", "반", "날짜"),
        student_number="수험번호",
        phone_number="수험번호 (휴대전화 번호 뒤 8자리)",
        number_instruction="수험번호를 칸에 쓰고, 아래에서 숫자마다 하나씩 칠하세요.",
        instructions=(
            "진한 연필이나 펜으로 칸을 빈틈없이 칠하세요.",
            "고칠 때는 깨끗이 지우고, 네 모서리의 검은 표시는 깨끗하게 두세요.",
        ),
        right="바른 예",
        wrong="잘못된 예",
    ),
}
