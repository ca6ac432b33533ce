"""Timing methods beside the floor of their network passes, and options beside each other."""
