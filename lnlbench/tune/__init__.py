"""Searching parameters on noisy validation labels: ranges, trials, and the recipe that is found."""
