-- Videos, the jobs that work on them, and the history of both.

CREATE TABLE videos (
    id               uuid PRIMARY KEY,
    tenant_id        text NOT NULL CHECK (tenant_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    session_id       text CHECK (length(session_id) BETWEEN 1 AND 200),
    title            text NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
    filename         text NOT NULL CHECK (length(filename) BETWEEN 1 AND 255),
    content_type     text NOT NULL,
    allow_skip       boolean NOT NULL DEFAULT true,
    max_speed        double precision NOT NULL DEFAULT 2.0 CHECK (max_speed BETWEEN 0.25 AND 4),
    show_watermark   boolean NOT NULL DEFAULT false,
    created_by       text NOT NULL,

    -- PENDING: a PUT is signed.  UPLOADED: checked and pinned, a job row exists.  PROCESSING: an attempt works on it.
    -- READY: it plays.  FAILED: error_reason says why.
    status           text NOT NULL DEFAULT 'PENDING'
                     CHECK (status IN ('PENDING', 'UPLOADED', 'PROCESSING', 'READY', 'FAILED')),
    -- On a PENDING row, why the last upload was refused.
    error_reason     text CHECK (length(error_reason) BETWEEN 1 AND 500),

    -- The newest signed upload. A part size is set only for a multipart one.
    upload_number    integer NOT NULL DEFAULT 1 CHECK (upload_number >= 1),
    source_key       text NOT NULL,
    declared_bytes   bigint NOT NULL CHECK (declared_bytes > 0),
    multipart_id     text,

    -- What `upload/complete` checked and pinned.
    source_etag      text,
    source_bytes     bigint CHECK (source_bytes > 0),

    -- What is published.
    published_job_id uuid,
    hls_path         text,
    thumbnail_path   text,
    duration_s       double precision CHECK (duration_s > 0),
    renditions       jsonb,

    -- Counts the changes of this row: a cache entry with a lower version never replaces one with a higher.
    version          bigint NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),

    UNIQUE (tenant_id, id),
    CHECK (source_key LIKE 'tenants/' || tenant_id || '/videos/' || id || '/source/%'),
    CHECK (status = 'PENDING' OR (source_etag IS NOT NULL AND source_bytes IS NOT NULL)),
    CHECK (status <> 'FAILED' OR error_reason IS NOT NULL),
    CHECK (status <> 'READY' OR (published_job_id IS NOT NULL AND hls_path IS NOT NULL AND duration_s IS NOT NULL
                                 AND error_reason IS NULL)),
    CHECK (hls_path IS NULL OR hls_path LIKE 'tenants/' || tenant_id || '/videos/' || id || '/hls/%')
);

-- The list of a tenant's videos, newest first, by session and by status.
CREATE INDEX videos_newest ON videos (tenant_id, created_at DESC, id DESC);
CREATE INDEX videos_of_session ON videos (tenant_id, session_id, created_at DESC, id DESC);
CREATE INDEX videos_of_status ON videos (tenant_id, status, created_at DESC, id DESC);

CREATE TABLE video_moves (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id   text NOT NULL,
    video_id    uuid NOT NULL,
    from_status text,
    to_status   text NOT NULL,
    reason      text,
    job_id      uuid,
    actor       text NOT NULL,
    moved_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, video_id) REFERENCES videos (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX video_moves_of_video ON video_moves (tenant_id, video_id, id);

CREATE TABLE jobs (
    id               uuid PRIMARY KEY,
    tenant_id        text NOT NULL CHECK (tenant_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    kind             text NOT NULL CHECK (kind IN ('transcode')),
    asset_id         uuid NOT NULL,

    -- AWS Batch's own words; pipeline/lifecycle/job_state.py says who moves a job on from each.
    state            text NOT NULL DEFAULT 'submitted'
                     CHECK (state IN ('submitted', 'pending', 'runnable', 'starting', 'running', 'succeeded', 'failed')),
    attempt          integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    -- The executor's identifier. A submitted row without one is the dispatcher's work.
    handle           text UNIQUE,
    spec             jsonb NOT NULL,

    -- The dispatcher's own retries, when the executor does not take a job.
    dispatch_tries   integer NOT NULL DEFAULT 0,
    dispatch_after   timestamptz NOT NULL DEFAULT now(),

    outcome          jsonb,
    -- Why it failed; on a live job, why its last attempt asked to be tried again.
    reason           text CHECK (reason ~ '^[A-Z_]{3,40}$'),
    detail           text NOT NULL DEFAULT '',
    -- Set by a cancel: the executor has still to be told until terminated_at is set.
    cancelled_at     timestamptz,
    terminated_at    timestamptz,

    -- As in videos.
    version          bigint NOT NULL DEFAULT 1,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    submitted_at     timestamptz,
    started_at       timestamptz,
    ended_at         timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT now(),

    UNIQUE (tenant_id, id),
    CHECK ((state IN ('succeeded', 'failed')) = (ended_at IS NOT NULL)),
    CHECK (state <> 'failed' OR reason IS NOT NULL),
    CHECK (state <> 'succeeded' OR outcome IS NOT NULL)
);

-- At most one live job works on an asset.
CREATE UNIQUE INDEX jobs_one_live_per_asset ON jobs (tenant_id, asset_id, kind)
    WHERE state NOT IN ('succeeded', 'failed');
CREATE INDEX jobs_to_dispatch ON jobs (dispatch_after) WHERE state = 'submitted' AND handle IS NULL;
CREATE INDEX jobs_live ON jobs (id) WHERE state NOT IN ('succeeded', 'failed') AND handle IS NOT NULL;
CREATE INDEX jobs_to_terminate ON jobs (cancelled_at) WHERE cancelled_at IS NOT NULL AND terminated_at IS NULL;
CREATE INDEX jobs_newest ON jobs (tenant_id, created_at DESC, id DESC);
CREATE INDEX jobs_of_asset ON jobs (tenant_id, asset_id, created_at DESC, id DESC);

CREATE TABLE job_attempts (
    tenant_id  text NOT NULL,
    job_id     uuid NOT NULL,
    attempt    integer NOT NULL CHECK (attempt >= 1),
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    -- succeeded, failed or retry: what the attempt itself, or the executor for it, said at its end.
    ending     text CHECK (ending IN ('succeeded', 'failed', 'retry')),
    exit_code  integer,
    reason     text,
    detail     text NOT NULL DEFAULT '',
    -- [{"name": …, "seconds": …}] of the steps that ended.
    steps      jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(steps) = 'array'),
    -- When the outputs of an attempt that is not published, or no longer, were removed from the store.
    outputs_deleted_at timestamptz,
    PRIMARY KEY (job_id, attempt),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE,
    CHECK ((ended_at IS NULL) = (ending IS NULL))
);

CREATE INDEX job_attempts_with_outputs ON job_attempts (ended_at) WHERE outputs_deleted_at IS NULL;
CREATE INDEX job_attempts_without_exit_code ON job_attempts (ended_at) WHERE exit_code IS NULL;
