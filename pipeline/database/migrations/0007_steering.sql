-- Jobs that have not begun, for `academy jobs stuck`.
CREATE INDEX jobs_waiting ON jobs (tenant_id, created_at, id)
    WHERE state IN ('submitted', 'pending', 'runnable', 'starting');
-- Failed jobs by when they ended, for resubmitting many at once.
CREATE INDEX jobs_failed ON jobs (tenant_id, ended_at) WHERE state = 'failed';
