"""Descriptions of runs: run specs, overrides, grids, deviations from a track."""
