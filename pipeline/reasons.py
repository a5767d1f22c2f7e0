"""Why a job ended FAILED: the closed list of reason codes, each with a sentence for the user.

A code is part of the API: it stands in `error_reason`, in outcomes and in dashboards, and never changes its
meaning. What is new gets a new code. Before there is a job, an upload is refused with one of REFUSALS.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    # The source is not something that can be transcoded.
    NOT_MEDIA = "NOT_MEDIA"
    EMPTY_FILE = "EMPTY_FILE"
    PLAYLIST_FORBIDDEN = "PLAYLIST_FORBIDDEN"
    NO_VIDEO_STREAM = "NO_VIDEO_STREAM"
    EMPTY_VIDEO = "EMPTY_VIDEO"
    TRUNCATED = "TRUNCATED"
    CORRUPT = "CORRUPT"
    ENCRYPTED = "ENCRYPTED"
    UNSUPPORTED_CODEC = "UNSUPPORTED_CODEC"
    DIMENSIONS_EXCEEDED = "DIMENSIONS_EXCEEDED"
    TOO_SMALL = "TOO_SMALL"
    TOO_LONG = "TOO_LONG"
    TOO_SHORT = "TOO_SHORT"
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    TIMESTAMP_GAP = "TIMESTAMP_GAP"
    BAD_TIMESTAMPS = "BAD_TIMESTAMPS"
    DECODER_LIMIT = "DECODER_LIMIT"
    # A page is not something that can be read.
    NOT_A_PICTURE = "NOT_A_PICTURE"
    TOO_MANY_PAGES = "TOO_MANY_PAGES"
    PAGE_NOT_REGISTERED = "PAGE_NOT_REGISTERED"
    TEMPLATE_MISMATCH = "TEMPLATE_MISMATCH"
    # The source is not the one that was checked.
    SOURCE_CHANGED = "SOURCE_CHANGED"
    SOURCE_GONE = "SOURCE_GONE"
    # The work could not be done.
    VERIFY_FAILED = "VERIFY_FAILED"
    DISK_FULL = "DISK_FULL"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    CONTROL_PLANE_UNAVAILABLE = "CONTROL_PLANE_UNAVAILABLE"
    TERMINATED = "TERMINATED"
    WORKER_KILLED = "WORKER_KILLED"
    TIMED_OUT = "TIMED_OUT"
    JOB_LOST = "JOB_LOST"
    OUTCOME_MISSING = "OUTCOME_MISSING"
    SUBMIT_REFUSED = "SUBMIT_REFUSED"
    GPU_UNAVAILABLE = "GPU_UNAVAILABLE"
    CANCELLED = "CANCELLED"


# What was uploaded is to blame, and no attempt of ours could have done better.
BLAMES_UPLOAD = frozenset(
    {
        Reason.NOT_MEDIA,
        Reason.EMPTY_FILE,
        Reason.PLAYLIST_FORBIDDEN,
        Reason.NO_VIDEO_STREAM,
        Reason.EMPTY_VIDEO,
        Reason.TRUNCATED,
        Reason.CORRUPT,
        Reason.ENCRYPTED,
        Reason.UNSUPPORTED_CODEC,
        Reason.DIMENSIONS_EXCEEDED,
        Reason.TOO_SMALL,
        Reason.TOO_LONG,
        Reason.TOO_SHORT,
        Reason.TOO_MANY_STREAMS,
        Reason.TIMESTAMP_GAP,
        Reason.BAD_TIMESTAMPS,
        Reason.DECODER_LIMIT,
        Reason.NOT_A_PICTURE,
        Reason.TOO_MANY_PAGES,
        Reason.PAGE_NOT_REGISTERED,
        Reason.TEMPLATE_MISMATCH,
        Reason.SOURCE_CHANGED,
        Reason.SOURCE_GONE,
    }
)


@dataclass(frozen=True)
class Sentence:
    """What a teacher is told, in the two languages of the product."""

    en: str
    ko: str


SENTENCES: dict[Reason, Sentence] = {
    Reason.NOT_MEDIA: Sentence("This file is not a video.", "동영상 파일이 아닙니다."),
    Reason.EMPTY_FILE: Sentence("The file is empty.", "빈 파일입니다."),
    Reason.PLAYLIST_FORBIDDEN: Sentence(
        "This is a playlist that points elsewhere; upload the video itself.",
        "재생 목록 파일입니다. 동영상 파일 자체를 올려 주세요.",
    ),
    Reason.NO_VIDEO_STREAM: Sentence("The file has no picture.", "영상이 없는 파일입니다."),
    Reason.EMPTY_VIDEO: Sentence("The video has no frames.", "재생할 화면이 없는 동영상입니다."),
    Reason.TRUNCATED: Sentence("The file is cut off; upload it again.", "파일이 중간에 잘렸습니다. 다시 올려 주세요."),
    Reason.CORRUPT: Sentence("The file is damaged; upload it again.", "파일이 손상되었습니다. 다시 올려 주세요."),
    Reason.ENCRYPTED: Sentence("The video is copy-protected.", "암호화된 동영상입니다."),
    Reason.UNSUPPORTED_CODEC: Sentence(
        "The video uses a format that cannot be read.", "지원하지 않는 동영상 형식입니다."
    ),
    Reason.DIMENSIONS_EXCEEDED: Sentence("The picture is larger than allowed.", "허용된 화면 크기를 넘었습니다."),
    Reason.TOO_SMALL: Sentence("The picture is too small.", "화면이 너무 작습니다."),
    Reason.TOO_LONG: Sentence("The video is longer than allowed.", "허용된 길이를 넘었습니다."),
    Reason.TOO_SHORT: Sentence("The video is too short.", "동영상이 너무 짧습니다."),
    Reason.TOO_MANY_STREAMS: Sentence("The file holds more tracks than allowed.", "파일 안의 트랙이 너무 많습니다."),
    Reason.TIMESTAMP_GAP: Sentence("The video has a long hole in the middle.", "동영상 중간에 긴 공백이 있습니다."),
    Reason.BAD_TIMESTAMPS: Sentence(
        "The video's time stamps make no sense.", "동영상의 시간 정보가 올바르지 않습니다."
    ),
    Reason.DECODER_LIMIT: Sentence(
        "Reading this file takes more memory or time than allowed.",
        "파일을 읽는 데 허용된 메모리나 시간을 넘었습니다.",
    ),
    Reason.NOT_A_PICTURE: Sentence(
        "This file is neither a PDF nor a picture that can be read.", "PDF나 읽을 수 있는 이미지 파일이 아닙니다."
    ),
    Reason.TOO_MANY_PAGES: Sentence("The file has more pages than allowed.", "허용된 쪽수를 넘었습니다."),
    Reason.PAGE_NOT_REGISTERED: Sentence(
        "The sheet could not be found on the page; scan it again, flat and whole.",
        "답안지의 위치를 찾지 못했습니다. 전체가 평평하게 보이도록 다시 스캔해 주세요.",
    ),
    Reason.TEMPLATE_MISMATCH: Sentence(
        "The page does not look like the chosen answer sheet.", "선택한 답안지 양식과 다른 용지입니다."
    ),
    Reason.SOURCE_CHANGED: Sentence(
        "The file was replaced after it had been checked; upload it again.",
        "확인 후 파일이 바뀌었습니다. 다시 올려 주세요.",
    ),
    Reason.SOURCE_GONE: Sentence("The uploaded file is gone.", "올린 파일을 찾을 수 없습니다."),
    Reason.VERIFY_FAILED: Sentence(
        "The finished stream did not pass its checks.", "변환 결과가 검사를 통과하지 못했습니다."
    ),
    Reason.DISK_FULL: Sentence("The worker has no room for this video.", "작업 서버의 저장 공간이 부족합니다."),
    Reason.INTERNAL_ERROR: Sentence("Something failed on our side.", "내부 오류가 발생했습니다."),
    Reason.STORAGE_UNAVAILABLE: Sentence("The file storage did not answer.", "저장소가 응답하지 않았습니다."),
    Reason.CONTROL_PLANE_UNAVAILABLE: Sentence(
        "The control server did not answer.", "관리 서버가 응답하지 않았습니다."
    ),
    Reason.TERMINATED: Sentence("The worker was told to stop.", "작업 서버가 중단되었습니다."),
    Reason.WORKER_KILLED: Sentence(
        "The worker was killed, most likely for want of memory.",
        "작업이 강제 종료되었습니다. 메모리 부족일 수 있습니다.",
    ),
    Reason.TIMED_OUT: Sentence("The work took too long.", "작업 시간이 초과되었습니다."),
    Reason.JOB_LOST: Sentence("The worker disappeared.", "작업 서버가 사라졌습니다."),
    Reason.OUTCOME_MISSING: Sentence(
        "The worker ended without leaving a result.", "작업이 결과를 남기지 않고 끝났습니다."
    ),
    Reason.SUBMIT_REFUSED: Sentence("The job was not accepted by the executor.", "작업을 시작하지 못했습니다."),
    Reason.GPU_UNAVAILABLE: Sentence("The worker's GPU could not be used.", "작업 서버의 GPU를 사용할 수 없습니다."),
    Reason.CANCELLED: Sentence("The job was cancelled.", "작업이 취소되었습니다."),
}

# What `complete` refuses an upload with. `source_invalid` is followed by a Reason, `duration_too_short` by the seconds.
REFUSALS: dict[str, Sentence] = {
    "source_not_found_or_empty": Sentence(
        "No file has arrived, or it is empty.", "파일이 도착하지 않았거나 비어 있습니다."
    ),
    "source_invalid": Sentence("The file cannot be used.", "사용할 수 없는 파일입니다."),
    "source_invalid:SIZE_MISMATCH": Sentence(
        "The file that arrived has another size than was announced; upload it again.",
        "도착한 파일의 크기가 알려 준 크기와 다릅니다. 다시 올려 주세요.",
    ),
    "duration_too_short": Sentence("The video is too short.", "동영상이 너무 짧습니다."),
    "template_picture_missing": Sentence(
        "A picture that the answer sheet's template needs has not arrived.",
        "답안지 양식에 필요한 그림 파일이 도착하지 않았습니다.",
    ),
}


def sentence_of(reason: str | None) -> Sentence | None:
    """The sentence for `NOT_MEDIA`, `source_invalid:NOT_MEDIA` or `duration_too_short:1.2`; None for any other text."""
    whole = reason or ""
    head, _, tail = whole.partition(":")
    if whole in REFUSALS:
        return REFUSALS[whole]
    for code in (tail, head):
        if code in Reason.__members__:
            return SENTENCES[Reason(code)]
    return REFUSALS.get(head)
