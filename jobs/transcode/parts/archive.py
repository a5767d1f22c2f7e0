"""The archive in which a part's segments go from the child that made them to the job that joins them.

One object a part instead of hundreds: a request of a store takes as long as some megabytes.
"""

import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from jobs.transcode.encoding.encode import EncodeReport, TrackFacts
from jobs.transcode.hls.layout import INIT_NAME, segment_name
from jobs.transcode.parts.cutting import Part
from jobs.transcode.planning.plan import Plan
from pipeline.contracts.envelope import Contract
from pipeline.errors import TransientError
from pipeline.reasons import Reason

FACTS_NAME = "part.json"


class MadePart(Contract):
    """What was written of a part, and of which plan. A plan of fewer parts than there are children leaves some None."""

    plan: Plan
    part: Part | None
    report: EncodeReport | None
    sound: TrackFacts | None

    @property
    def tracks(self) -> tuple[TrackFacts, ...]:
        pictures = self.report.renditions if self.report is not None else ()
        return (*pictures, *([self.sound] if self.sound is not None else []))


def pack(made: MadePart, output: Path, archive: Path) -> None:
    """Write the archive of all that `made` tells of, which is below `output`."""
    facts = archive.with_name(FACTS_NAME)
    facts.write_text(made.model_dump_json(), encoding="utf-8")
    with tarfile.open(archive, "w") as tar:
        tar.add(facts, FACTS_NAME)
        for name, _ in _files(made):
            tar.add(output / name, name)
    facts.unlink()


def unpack(archive: Path, output: Path) -> MadePart:
    """Put the segments below `output` and tell of them.

    Only files that the facts tell of are taken, under names of our own. Raises `TransientError(INTERNAL_ERROR)` for an
    archive that is not whole.
    """
    try:
        with tarfile.open(archive) as tar:
            facts = _read(tar, FACTS_NAME, size_bytes=tar.getmember(FACTS_NAME).size)
            made = MadePart.model_validate_json(facts)
            hashes = {f"{track.folder}/{INIT_NAME}": track.init_sha256 for track in made.tracks}
            for name, size_bytes in _files(made):
                data = _read(tar, name, size_bytes=size_bytes)
                _check_init(name, data, hashes.get(name))
                (output / name).parent.mkdir(exist_ok=True)
                (output / name).write_bytes(data)
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise TransientError(Reason.INTERNAL_ERROR, f"{archive.name} is not a whole part: {error}") from error
    return made


def segments_of(made: MadePart) -> list[str]:
    """Their names below the output, without the init segments, which all parts share."""
    return [name for name, _ in _files(made) if Path(name).name != INIT_NAME]


def _files(made: MadePart) -> Iterator[tuple[str, int]]:
    """Names below the output and their bytes."""
    for track in made.tracks:
        if not track.folder.isalnum():
            raise ValueError(f"{track.folder!r} is no folder of a stream")
        yield f"{track.folder}/{INIT_NAME}", track.init_bytes
        for number, segment in enumerate(track.segments, start=track.first_segment):
            yield f"{track.folder}/{segment_name(number)}", segment.bytes


def _check_init(name: str, data: bytes, written: str | None) -> None:
    """All parts share one: what is compared of them is its hash, and the last that comes is the one that stays."""
    if written is not None and sha256(data).hexdigest() != written:
        raise ValueError(f"{name} is not the one that was written")


def _read(tar: tarfile.TarFile, name: str, *, size_bytes: int) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    data = file.read()
    if len(data) != size_bytes:
        raise ValueError(f"{name} has {len(data)} bytes, written were {size_bytes}")
    return data
