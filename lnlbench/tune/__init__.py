"""Search parameters on noisy validation labels: ranges, trials, and the recipe found."""
