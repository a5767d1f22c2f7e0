"""Which job reads which files of a batch: pure.

A machine's start costs a minute or two, and a job reads several pages a second: up to `pages_per_job` pages one job
reads them all. A file is never divided, since it has 500 pages at most, and what it has nobody knows before it is
decoded, which the control plane does not do: pictures are one page, other files are taken to have one for every
`bytes_per_page`. Several shares are the children of one array: see `control_plane.omr.specs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.contracts.omr import OmrLimits
from pipeline.database.omr_files import OmrFile

# As many as a spec holds.
MAX_FILES = 500
PAGED = frozenset({"application/pdf", "application/zip", "application/x-zip-compressed", "image/tiff"})


@dataclass(frozen=True)
class Share:
    """The files of one job, by number."""

    shard: int
    file_numbers: tuple[int, ...]
    expected_pages: int


def share_out(files: Sequence[OmrFile], *, pages_per_job: int, bytes_per_page: int) -> tuple[Share, ...]:
    """Neighbouring files in as few shares as hold them, each of at most `pages_per_job` pages or a single file."""
    groups: list[list[tuple[int, int]]] = []
    room = 0
    for file in files:
        pages = expected_pages(file, bytes_per_page=bytes_per_page)
        if not groups or pages > room or len(groups[-1]) == MAX_FILES:
            groups.append([])
            room = pages_per_job
        groups[-1].append((file.number, pages))
        room -= pages
    return tuple(
        Share(shard, tuple(number for number, _ in group), sum(pages for _, pages in group))
        for shard, group in enumerate(groups)
    )


def expected_pages(file: OmrFile, *, bytes_per_page: int) -> int:
    if file.content_type not in PAGED:
        return 1
    return min(max(1, file.declared_bytes // bytes_per_page), OmrLimits().max_pages)
