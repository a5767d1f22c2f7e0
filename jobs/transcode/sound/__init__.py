"""The one track of sound."""
