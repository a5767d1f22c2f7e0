-- Jobs that have not begun, for `academy jobs stuck`.
CREATE INDEX jobs_waiting ON jobs (tenant_id, created_at, id)
    WHERE state IN ('submitted', 'pending', 'runnable', 'starting');
-- Failed jobs by when they ended, for resubmitting many at once.
CREATE INDEX jobs_failed ON jobs (tenant_id, ended_at) WHERE state = 'failed';

-- Among the waiting jobs of one tenant the higher one goes first; NULL is the priority of the job's kind.
ALTER TABLE jobs ADD COLUMN priority integer CHECK (priority BETWEEN 0 AND 9999);
