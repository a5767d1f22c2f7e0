"""Pictures become segments of all renditions, in one sandboxed child."""
