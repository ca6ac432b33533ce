"""Executing runs: spec, loop, checkpoints, precision, display."""
