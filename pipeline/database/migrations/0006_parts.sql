-- Long videos: a transcode's parts are made by the children of an array, and joined by the job that the row is.

-- What `upload/complete` measured of the source, in seconds.
ALTER TABLE videos ADD COLUMN source_s double precision CHECK (source_s >= 0);

-- How many children the array has, and the executor's identifier of it; a job that does all by itself has neither.
ALTER TABLE jobs ADD COLUMN parts integer CHECK (parts BETWEEN 2 AND 10000);
ALTER TABLE jobs ADD COLUMN array_handle text UNIQUE CHECK (array_handle IS NULL OR parts IS NOT NULL);

-- Attempts of children that called `start`, as job_attempts are of the job itself.
CREATE TABLE job_parts (
    tenant_id  text NOT NULL,
    job_id     uuid NOT NULL,
    part       integer NOT NULL CHECK (part >= 0),
    attempt    integer NOT NULL CHECK (attempt >= 1),
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    ending     text CHECK (ending IN ('succeeded', 'failed', 'retry')),
    reason     text,
    detail     text NOT NULL DEFAULT '',
    steps      jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(steps) = 'array'),
    -- Of the archive that a succeeded attempt has left for the join job.
    size_bytes bigint CHECK (size_bytes > 0),
    -- When its outputs were removed from the store, which nobody needs once the job has ended.
    outputs_deleted_at timestamptz,
    PRIMARY KEY (job_id, part, attempt),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE,
    CHECK ((ended_at IS NULL) = (ending IS NULL)),
    CHECK ((ending IS NOT DISTINCT FROM 'succeeded') = (size_bytes IS NOT NULL))
);

CREATE INDEX job_parts_with_outputs ON job_parts (started_at) WHERE outputs_deleted_at IS NULL;

COMMENT ON COLUMN jobs.cancelled_at IS
    'Set by a cancel, and where a part of the job has failed: the executor has still to be told until terminated_at is set.';

-- Splitting inside one job is gone; a spec that still orders it would be refused by whoever resubmits it.
UPDATE jobs SET spec = spec - 'split' WHERE spec ? 'split';
