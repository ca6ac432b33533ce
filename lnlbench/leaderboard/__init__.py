"""Tables made from results: rows, ranks and claims, and their Markdown, CSV and terminal forms."""
