"""What the rest asks of the machine: memory, cores, atomic files, terminal text, progress."""
