"""An executed Jupyter notebook as a Markdown page of the site: its cells and their outputs."""

import json
from html import escape
from pathlib import Path
from typing import Any


def as_markdown(file: Path) -> str:
    """The page of a notebook; pictures stand in the page itself."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(part for cell in cells for part in _parts(cell)) + "\n"


def _parts(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"]).strip("\n")
    if cell["cell_type"] != "code":
        return [source]
    return [f"```python\n{source}\n```", *filter(None, map(_shown, cell["outputs"]))]


def _shown(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        content = "".join(data["image/png"]).strip()
        return (
            f'<img alt="The plot that the code above draws" src="data:image/png;base64,{content}">'
        )
    if "text/html" in data:
        # Markdown would take an empty or an indented line of the table for something else.
        lines = "".join(data["text/html"]).splitlines()
        return "\n".join(line.strip() for line in lines if line.strip())
    text = "".join(output.get("text", data.get("text/plain", ""))).rstrip()
    return f"<pre>{escape(text)}</pre>" if text else ""
