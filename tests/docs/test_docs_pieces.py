"""The guide's page of pieces: every piece is on it, with an example of three lines that runs."""

import re
from pathlib import Path

import pytest
import torch

from lnlbench.testing.small_runs import make_run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guide" / "pieces.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^\*\*(\w+)\*\*: .*?\n\n```python\n(.*?)```$", PAGE, re.M | re.S))
PIECES = sorted(path.stem for path in ROOT.glob("lnlbench/pieces/*.py") if path.stem[0] != "_")


def test_every_piece_is_on_the_page():
    assert sorted(EXAMPLES) == PIECES


@pytest.mark.parametrize("piece", PIECES)
def test_its_example_runs_and_uses_what_it_imports(piece):
    example = EXAMPLES[piece]
    assert len(re.findall(r"^\S", example, re.MULTILINE)) == 3
    imported = re.match(r"from lnlbench\.pieces(?:\.\w+)? import (.*)\n", example)
    assert f"lnlbench.pieces.{piece} " in example or imported[1] == piece
    assert all(example.count(name) > 1 for name in imported[1].split(", "))
    run = make_run()
    next(run.epochs())
    generator = torch.Generator().manual_seed(0)
    names = {
        "torch": torch,
        "run": run,
        "generator": generator,
        "logits": torch.randn(8, 4, generator=generator),
        "labels": torch.arange(8) % 4,
    }
    exec(example, names)
    results = [value for value in names.values() if isinstance(value, torch.Tensor)]
    assert all(value.isfinite().all() for value in results)
