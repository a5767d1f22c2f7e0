"""Where a job's sources come from and its outputs go."""
