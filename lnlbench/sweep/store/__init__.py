"""Sweeps whose output is an object store: its objects, its lease, mirrored runs, and results."""
