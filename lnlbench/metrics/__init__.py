"""Metrics: the only package that compares a method's output with clean labels and test labels."""
