"""What fields are called, and what answer keys and student lists call the same things."""

import re

# `roll3`, `student_id0`, `q6_1`, `q5.2`: what comes before the number, without the sign between them.
NUMBERED = re.compile(r"^(?P<stem>.*?[^\d_.\- ])[_.\- ]?(?P<number>\d+)$")
# `q7` and `Q7` are the same question to everybody who writes a key.
QUESTION = re.compile(r"^q[_.\- ]?\d+$", re.IGNORECASE)


def stem_and_number(name: str) -> tuple[str, int] | None:
    """`("roll", 3)` of `roll3`, `("q6", 1)` of `q6_1`; None for a name without a number at its end."""
    split = re.match(r"^(?P<stem>.*\d)[_.\- ](?P<number>\d+)$", name) or NUMBERED.match(name)
    return (split["stem"], int(split["number"])) if split else None


def is_question(name: str) -> bool:
    return QUESTION.match(name) is not None


def question_name(name: str) -> str:
    """As answer keys spell it: `q7` for `Q7`; any other name, such as a survey's sentence, stays as it is."""
    return name.lower() if is_question(name) else name


def identifier_name(name: str) -> str:
    """`booklet_no` for `Booklet_No`, `subject_code` for `subjectCode` and `Subject Code`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s_.\-]+", "_", words).strip("_").lower() or name
