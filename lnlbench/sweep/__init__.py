"""Many runs at once: what to run, what is missing of it, and executors that run it."""
