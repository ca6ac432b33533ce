"""Many runs at once: what to run, which runs are missing, and executors that run them."""
