"""Time methods against the floor of their network passes, and settings against each other."""
