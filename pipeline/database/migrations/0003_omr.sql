-- Answer sheets: templates, batches of uploaded pages, the submissions that were read from them, and what people said.

-- A batch of many pages is read by several jobs, each of one shard. A video's job is shard 0.
ALTER TABLE jobs ADD COLUMN shard integer NOT NULL DEFAULT 0 CHECK (shard >= 0);
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check, ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('transcode', 'omr'));
DROP INDEX jobs_one_live_per_asset;
-- At most one live job works on a shard of an asset.
CREATE UNIQUE INDEX jobs_one_live_per_shard ON jobs (tenant_id, asset_id, kind, shard)
    WHERE state NOT IN ('succeeded', 'failed');

-- A row never changes: another layout is another version.
CREATE TABLE omr_templates (
    id               uuid PRIMARY KEY,
    tenant_id        text NOT NULL CHECK (tenant_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    template_version text NOT NULL CHECK (length(template_version) BETWEEN 1 AND 200),
    template         jsonb NOT NULL CHECK (jsonb_typeof(template) = 'object'),
    -- What it reports, in order: [{"name": …, "kind": …, "student": …}]. Lists do without the whole template.
    outputs          jsonb NOT NULL CHECK (jsonb_typeof(outputs) = 'array'),
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),

    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name, template_version)
);

CREATE INDEX omr_templates_newest ON omr_templates (tenant_id, created_at DESC, id DESC);

CREATE TABLE omr_template_pictures (
    tenant_id      text NOT NULL,
    template_id    uuid NOT NULL,
    -- As the template's fiducials call it.
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    number         integer NOT NULL CHECK (number >= 1),
    content_type   text NOT NULL,
    declared_bytes bigint NOT NULL CHECK (declared_bytes > 0),
    key            text NOT NULL,
    -- Pinned by the first batch that is completed with the template.
    etag           text,

    PRIMARY KEY (template_id, name),
    UNIQUE (template_id, number),
    FOREIGN KEY (tenant_id, template_id) REFERENCES omr_templates (tenant_id, id) ON DELETE CASCADE,
    CHECK (key LIKE 'tenants/' || tenant_id || '/omr/templates/' || template_id || '/%')
);

CREATE TABLE omr_batches (
    id           uuid PRIMARY KEY,
    tenant_id    text NOT NULL CHECK (tenant_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    exam_id      text NOT NULL CHECK (length(exam_id) BETWEEN 1 AND 200),
    title        text CHECK (length(title) BETWEEN 1 AND 300),
    template_id  uuid NOT NULL,
    engine       text NOT NULL CHECK (engine IN ('auto', 'network', 'classical')),
    overlays     boolean NOT NULL,
    created_by   text NOT NULL,

    -- PENDING: PUTs are signed.  UPLOADED: checked and pinned, jobs exist.  PROCESSING: a job works on it.
    -- READY: every page is a submission.  FAILED: error_reason says why a shard has no result.
    status       text NOT NULL DEFAULT 'PENDING'
                 CHECK (status IN ('PENDING', 'UPLOADED', 'PROCESSING', 'READY', 'FAILED')),
    -- On a PENDING row, why `complete` refused it.
    error_reason text CHECK (length(error_reason) BETWEEN 1 AND 500),

    -- As in videos.
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),

    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, template_id) REFERENCES omr_templates (tenant_id, id),
    CHECK (status <> 'FAILED' OR error_reason IS NOT NULL),
    CHECK (status IN ('PENDING', 'FAILED') OR error_reason IS NULL)
);

CREATE INDEX omr_batches_newest ON omr_batches (tenant_id, created_at DESC, id DESC);
CREATE INDEX omr_batches_of_exam ON omr_batches (tenant_id, exam_id, created_at DESC, id DESC);
CREATE INDEX omr_batches_of_status ON omr_batches (tenant_id, status, created_at DESC, id DESC);

CREATE TABLE omr_batch_moves (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id   text NOT NULL,
    batch_id    uuid NOT NULL,
    from_status text,
    to_status   text NOT NULL,
    reason      text,
    job_id      uuid,
    actor       text NOT NULL,
    moved_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES omr_batches (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX omr_batch_moves_of_batch ON omr_batch_moves (tenant_id, batch_id, id);

CREATE TABLE omr_files (
    tenant_id      text NOT NULL,
    batch_id       uuid NOT NULL,
    -- From 1, in the order in which the user named them.
    number         integer NOT NULL CHECK (number >= 1),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    content_type   text NOT NULL,
    declared_bytes bigint NOT NULL CHECK (declared_bytes > 0),
    key            text NOT NULL,
    -- What `complete` pinned, and the shard that it gave the file to.
    etag           text,
    shard          integer CHECK (shard >= 0),

    PRIMARY KEY (batch_id, number),
    UNIQUE (batch_id, name),
    UNIQUE (tenant_id, batch_id, number),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES omr_batches (tenant_id, id) ON DELETE CASCADE,
    CHECK ((etag IS NULL) = (shard IS NULL)),
    CHECK (key LIKE 'tenants/' || tenant_id || '/omr/batches/' || batch_id || '/source/%')
);

-- A part of a batch that one job reads.
CREATE TABLE omr_shards (
    tenant_id         text NOT NULL,
    batch_id          uuid NOT NULL,
    shard             integer NOT NULL CHECK (shard >= 0),
    -- By which the progress of several jobs adds up.
    expected_pages    integer NOT NULL CHECK (expected_pages >= 1),
    -- The newest job.
    job_id            uuid NOT NULL,
    -- The job whose reading the submissions hold, and whose overlays are shown.
    published_job_id  uuid,
    published_attempt integer CHECK (published_attempt >= 1),
    -- Why the newest job has ended without a result. With neither of the two, the newest job is live.
    error_reason      text CHECK (length(error_reason) BETWEEN 1 AND 500),

    PRIMARY KEY (batch_id, shard),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES omr_batches (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id),
    CHECK ((published_job_id IS NULL) = (published_attempt IS NULL)),
    CHECK (published_job_id IS NULL OR error_reason IS NULL)
);

CREATE TABLE submissions (
    id           uuid PRIMARY KEY,
    -- Grows with each submission: the order of the review list.
    number       bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id    text NOT NULL,
    batch_id     uuid NOT NULL,
    exam_id      text NOT NULL,
    file_number  integer NOT NULL,
    page         integer NOT NULL CHECK (page >= 1),

    -- ANSWERS_READY: read, or typed by a person.  FAILED: error_reason says why it was not read.
    status       text NOT NULL CHECK (status IN ('ANSWERS_READY', 'FAILED')),
    error_reason text CHECK (length(error_reason) BETWEEN 1 AND 500),
    -- What counts: the machine's until a person has looked, from then on the person's.
    -- {"question": ["value", …]}; an empty list is a blank.
    answers      jsonb NOT NULL CHECK (jsonb_typeof(answers) = 'object'),
    identifier   text CHECK (length(identifier) BETWEEN 1 AND 200),
    -- The outputs of the template that a person has set.
    corrected    text[] NOT NULL DEFAULT '{}',
    reviewed_by  text,
    reviewed_at  timestamptz,

    -- ai_result: the raw result.  omr: identifier and version.  manual_review: required, reasons, updated_at.
    meta         jsonb NOT NULL,
    to_review    boolean NOT NULL GENERATED ALWAYS AS
                 (status = 'ANSWERS_READY' AND meta -> 'manual_review' -> 'required' = 'true') STORED,

    -- Counts the changes; a person's correction names the one that it was made upon.
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),

    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, batch_id, file_number, page),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES omr_batches (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, batch_id, file_number) REFERENCES omr_files (tenant_id, batch_id, number) ON DELETE CASCADE,
    CHECK ((status = 'FAILED') = (error_reason IS NOT NULL)),
    CHECK ((reviewed_by IS NULL) = (reviewed_at IS NULL)),
    CHECK (reviewed_at IS NULL OR meta -> 'manual_review' -> 'required' = 'false'),
    CHECK (reviewed_at IS NOT NULL OR corrected = '{}'),
    CHECK ((jsonb_typeof(meta -> 'ai_result') = 'object' AND jsonb_typeof(meta -> 'omr') = 'object'
            AND jsonb_typeof(meta -> 'manual_review' -> 'required') = 'boolean'
            AND jsonb_typeof(meta -> 'manual_review' -> 'reasons') = 'array') IS TRUE)
);

CREATE INDEX submissions_to_review ON submissions (tenant_id, number) WHERE to_review;

-- What a person said of a submission, word for word. `version` is the submission's after it.
CREATE TABLE submission_edits (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id     text NOT NULL,
    submission_id uuid NOT NULL,
    version       bigint NOT NULL,
    action        text NOT NULL CHECK (action IN ('answers', 'confirm')),
    answers       jsonb NOT NULL CHECK (jsonb_typeof(answers) = 'object'),
    identifier    text,
    note          text NOT NULL,
    edited_by     text NOT NULL,
    edited_at     timestamptz NOT NULL DEFAULT now(),

    UNIQUE (submission_id, version),
    FOREIGN KEY (tenant_id, submission_id) REFERENCES submissions (tenant_id, id) ON DELETE CASCADE
);
