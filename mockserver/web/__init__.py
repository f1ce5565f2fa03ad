"""HTTP: one path for every provider call, and the control API beside it."""
