"""What decodes and encodes: a GPU or the CPU."""
