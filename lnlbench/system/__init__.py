"""Services of the machine: memory, cores, atomic files, terminal text, progress."""
