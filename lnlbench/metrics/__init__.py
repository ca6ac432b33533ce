"""Metrics: the only place where clean and test labels meet a method's output."""
