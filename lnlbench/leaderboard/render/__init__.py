"""A table as text: Markdown, CSV, JSON, a terminal, an SVG image, an HTML page."""
