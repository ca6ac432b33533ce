"""Figures from papers, shown beside a table and never ranked: other protocols, other rules."""

import tomllib
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Fraction = Annotated[float, Field(ge=0, le=1)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Entry):
    """Where figures were printed, and on what data."""

    citation: str
    url: str
    dataset: str
    noise: str
    seeds: int = Field(ge=1)
    note: str


class PublishedFigure(_Entry):
    """One figure of one method, as a fraction, with the rule by which its epoch was chosen."""

    method: str
    source: str
    rule: Literal["best test epoch", "last epoch", "mean of last 10"]
    backbone: str
    mean: _Fraction
    std: _Fraction | None = None


class Published(_Entry):
    """Sources by name, and their figures."""

    sources: dict[str, Source]
    figures: list[PublishedFigure]


def published_figures(dataset: str, noise: str) -> Published:
    """The figures on these data, by method, source and rule; empty where none are known."""
    text = files("lnlbench.results").joinpath("published.toml").read_text(encoding="utf-8")
    everything = Published.model_validate(tomllib.loads(text))
    sources = {
        name: source
        for name, source in everything.sources.items()
        if (source.dataset, source.noise) == (dataset, noise)
    }
    figures = [figure for figure in everything.figures if figure.source in sources]
    figures.sort(key=lambda figure: (figure.method, figure.source, figure.rule))
    return Published(sources=sources, figures=figures)
