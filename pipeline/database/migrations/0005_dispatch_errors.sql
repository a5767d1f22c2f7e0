-- How many of dispatch_tries ended in an error that nobody foresaw. An executor that is away is asked for ever, one that
-- breaks over a job is not.
ALTER TABLE jobs ADD COLUMN dispatch_errors integer NOT NULL DEFAULT 0 CHECK (dispatch_errors BETWEEN 0 AND dispatch_tries);
