"""Code that methods share, one concept per module; docs/guide/pieces.md has examples."""
