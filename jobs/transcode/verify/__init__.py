"""A finished stream is read back and held to the rules."""
