"""Everything that a method author sees: methods, runs, parameters, and declarations of plugins."""
