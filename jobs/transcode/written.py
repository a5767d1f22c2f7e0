"""What a transcode has when its segments lie below the output folder, wherever they were made."""

from dataclasses import dataclass

from jobs.transcode.encoding.encode import EncodeReport
from jobs.transcode.parts.cutting import Part
from jobs.transcode.planning.plan import Plan
from pipeline.contracts.transcode import Rendition


@dataclass(frozen=True)
class Written:
    """`stored` are the names of the segments that are published already."""

    plan: Plan
    parts: tuple[Part, ...]
    report: EncodeReport
    renditions: tuple[Rendition, ...]
    stored: frozenset[str]
