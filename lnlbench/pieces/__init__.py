"""What methods share: mixture, MixMatch, small-loss selection, curricula, neighbors, averages."""
