"""One attempt of a job from inside: told by a control plane, or run by hand."""
