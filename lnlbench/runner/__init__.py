"""Execute runs: assembly, loop, checkpoints, evaluation, display."""
