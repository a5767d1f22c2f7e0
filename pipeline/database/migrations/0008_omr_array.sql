-- Jobs that are submitted together: the shards of a batch are the children of one array of the executor.
-- The array has no row: `array_id` names it, and a child's handle is the array's with `:array_index`.
ALTER TABLE jobs ADD COLUMN array_id uuid;
ALTER TABLE jobs ADD COLUMN array_index integer CHECK (array_index BETWEEN 0 AND 9999);
ALTER TABLE jobs ADD CONSTRAINT jobs_child_has_an_index CHECK ((array_id IS NULL) = (array_index IS NULL));
-- What has an array of its own is no child of another one.
ALTER TABLE jobs ADD CONSTRAINT jobs_child_has_no_parts CHECK (array_id IS NULL OR parts IS NULL);
CREATE UNIQUE INDEX jobs_of_array ON jobs (array_id, array_index) WHERE array_id IS NOT NULL;
