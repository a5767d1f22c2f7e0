"""The API's calls about answer sheets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from cli.api import READING, Api, Page
from cli.omr.rows import Batch, BatchCreated, Sheet, TemplateCreated
from cli.rows import WorkProgress
from pipeline.answer_sheets.importing.opened import OpenedTemplate
from pipeline.errors import Unavailable
from pipeline.retrying import retrying

CONTENT_TYPES: Final = {
    ".pdf": "application/pdf",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".zip": "application/zip",
}
PAGE: Final = 200


@dataclass(frozen=True)
class NewBatch:
    """`files` by the names that the batch knows them under, in the order in which they are read."""

    exam: str
    title: str | None
    template_id: str
    files: Mapping[str, Path]
    engine: str

    def body(self) -> dict[str, Any]:
        return {
            "exam": self.exam,
            "title": self.title,
            "template_id": self.template_id,
            "engine": self.engine,
            "files": [file_body(name, path) for name, path in self.files.items()],
        }


def file_body(name: str, path: Path) -> dict[str, Any]:
    kind = CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
    return {"name": name, "size": path.stat().st_size, "content_type": kind}


@dataclass(frozen=True)
class OmrApi:
    """Raises what `Api` raises."""

    api: Api

    def store_template(self, opened: OpenedTemplate) -> TemplateCreated:
        """The row of this template, the same for the same content; its pictures are sent too."""
        pictures = [file_body(name, path) for name, path in opened.pictures.items()]
        body = {"template": opened.template.model_dump(mode="json"), "pictures": pictures}
        row: TemplateCreated = self.api.post("/omr/templates", body)
        for upload in row["uploads"]:
            self.api.put_file(upload, opened.pictures[upload["name"]], lambda _: None)
        return row

    def create_batch(self, new: NewBatch) -> BatchCreated:
        row: BatchCreated = self.api.post("/omr/batches", new.body())
        return row

    def complete_batch(self, batch_id: str) -> Batch:
        """Have the files checked and read; however often it is called, the jobs are the same."""
        complete = retrying(READING, on=Unavailable)(self.api.post, f"/omr/batches/{batch_id}/complete", {})
        row: Batch = complete
        return row

    def retry_batch(self, batch_id: str) -> Batch:
        row: Batch = self.api.post(f"/omr/batches/{batch_id}/retry", {})
        return row

    def cancel_batch(self, batch_id: str) -> Batch:
        row: Batch = self.api.post(f"/omr/batches/{batch_id}/cancel", {})
        return row

    def batch(self, batch_id: str) -> Batch:
        row: Batch = self.api.get(f"/omr/batches/{batch_id}")
        return row

    def batches(self, *, limit: int = 50, **filters: str | None) -> Page[Batch]:
        """Newest first. Filters: exam, status."""
        return self._pages("/omr/batches", filters, limit)

    def progress(self, batch_id: str) -> WorkProgress:
        row: WorkProgress = self.api.get(f"/omr/batches/{batch_id}/progress")
        return row

    def sheets(self, batch_id: str, *, limit: int, **filters: str | None) -> Page[Sheet]:
        """In the order of files and pages. Filters: status, review (required, settled)."""
        return self._pages(f"/omr/batches/{batch_id}/sheets", filters, limit)

    def review(self, *, limit: int, **filters: str | None) -> Page[Sheet]:
        """Oldest first. Filters: exam, batch, reason."""
        return self._pages("/omr/review", filters, limit)

    def sheet(self, sheet_id: str) -> Sheet:
        row: Sheet = self.api.get(f"/omr/sheets/{sheet_id}")
        return row

    def save_overlay(self, sheet_id: str, target: IO[bytes]) -> None:
        self.api.download(f"/omr/sheets/{sheet_id}/overlay.png", target)

    def correct(
        self, sheet: Sheet, answers: Mapping[str, Sequence[str]], *, identifier: str | None, note: str
    ) -> Sheet:
        """Raises `Conflict` where somebody else has changed the sheet since it was asked for."""
        body: dict[str, Any] = {"version": sheet["version"], "answers": answers, "note": note}
        if identifier is not None:
            body["identifier"] = identifier
        row: Sheet = self.api.post(f"/omr/sheets/{sheet['id']}/answers", body)
        return row

    def confirm(self, sheet: Sheet, *, note: str) -> Sheet:
        """Raises as `correct` does."""
        body = {"version": sheet["version"], "note": note}
        row: Sheet = self.api.post(f"/omr/sheets/{sheet['id']}/confirm", body)
        return row

    def export_csv(self, batch_id: str, target: IO[bytes]) -> None:
        self.api.download(f"/omr/batches/{batch_id}/export.csv", target)

    def export_json(self, batch_id: str) -> dict[str, Any]:
        exported: dict[str, Any] = self.api.get(f"/omr/batches/{batch_id}/export.json")
        return exported

    def _pages(self, path: str, filters: Mapping[str, str | None], limit: int) -> Page[Any]:
        """At most `limit` rows, over as many of the API's pages as that takes."""
        found: list[Any] = []
        cursor = None
        while len(found) < limit:
            query = {**filters, "limit": min(PAGE, limit - len(found)), "cursor": cursor}
            page = self.api.get(path, query)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return Page(found, are_all=cursor is None)
