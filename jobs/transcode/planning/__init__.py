"""Looks at a source and decides all that becomes of it."""
