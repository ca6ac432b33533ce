"""The options that several commands share. Each subject has a module that defines them once."""
