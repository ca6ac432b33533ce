"""Trained models as folders: exported from runs, loaded anywhere, applied to new images."""
