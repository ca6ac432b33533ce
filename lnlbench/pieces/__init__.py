"""What methods share, one concept a module; docs/guide/pieces.md has an example of each."""
