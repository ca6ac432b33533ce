"""Time methods against the floor of their network passes, and options against each other."""
