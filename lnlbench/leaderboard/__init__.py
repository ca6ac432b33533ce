"""Tables from results: rows, ranks and claims, written as Markdown, CSV, HTML or terminal text."""
