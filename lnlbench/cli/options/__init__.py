"""The options that several commands share, each defined once; a module for each subject."""
