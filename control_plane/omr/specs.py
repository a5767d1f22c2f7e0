"""The spec of an OMR job: stored as references, told in full.

Live jobs' rows are read every second, and a template may be a megabyte: the row names template and shard, which never
change, and what the job is told is put together when it starts.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from pipeline.answer_sheets.template import Template
from pipeline.contracts.envelope import JobKind
from pipeline.contracts.omr import Engine, OmrLimits, OmrSpec, UploadedFile
from pipeline.contracts.transcode import Source
from pipeline.database.jobs import Job, NewJob
from pipeline.database.omr_batches import OmrBatch
from pipeline.database.omr_files import OmrFile, list_files_of_shard
from pipeline.database.omr_templates import TemplatePicture, get_template_json, list_pictures
from pipeline.identifiers import new_job_id
from pipeline.storage.store import ObjectStore


def new_reading_jobs(batch: OmrBatch, shards: Sequence[int], *, created_by: str) -> list[NewJob]:
    """One for each shard. Several are the children of one array, so that the executor is given one job in any case."""
    array_id = new_job_id() if len(shards) > 1 else None
    return [
        NewJob(
            id=new_job_id(),
            tenant_id=batch.tenant_id,
            kind=JobKind.OMR,
            asset_id=batch.id,
            shard=shard,
            array_id=array_id,
            array_index=index if array_id is not None else None,
            spec={
                "template_id": str(batch.template_id),
                "engine": batch.engine,
                "overlays": batch.overlays,
                "limits": OmrLimits().model_dump(mode="json"),
            },
            created_by=created_by,
        )
        for index, shard in enumerate(shards)
    ]


def told_spec(connection: Connection[TupleRow], store: ObjectStore, job: Job, *, expires_s: int) -> dict[str, Any]:
    """The `OmrSpec` of a job in JSON, with presigned GETs of its files and of the template's pictures."""
    template_id = UUID(job.spec["template_id"])
    pictures = list_pictures(connection, job.tenant_id, [template_id])
    files = list_files_of_shard(connection, job.tenant_id, job.asset_id, shard=job.shard)

    def uploaded(file: OmrFile | TemplatePicture) -> UploadedFile:
        signed = store.sign_get(file.key, expires_s=expires_s)
        source = Source(url=signed.url, etag=file.etag, size_bytes=file.declared_bytes, filename=file.name)
        return UploadedFile(name=file.name, source=source)

    spec = OmrSpec(
        batch_id=str(job.asset_id),
        template=Template.model_validate(get_template_json(connection, job.tenant_id, template_id)),
        pictures=tuple(map(uploaded, pictures)),
        files=tuple(map(uploaded, files)),
        engine=Engine(job.spec["engine"]),
        overlays=job.spec["overlays"],
        limits=OmrLimits.model_validate(job.spec["limits"]),
    )
    return spec.model_dump(mode="json")
