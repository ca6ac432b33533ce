"""Which runs are meant: run specs, overrides, grids, deviations from a track."""
