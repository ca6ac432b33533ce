"""All that a method author sees: the method, its run, its parameters, and what plugins declare."""
