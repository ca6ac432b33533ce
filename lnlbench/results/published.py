"""Figures from papers, shown beside a table. They have other protocols, so they get no rank."""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Fraction = Annotated[float, Field(ge=0, le=1)]
# "61.19 ± 0.51", "61.19", or an empty text when the source has no figure.
_Percent = Annotated[str, Field(pattern=r"^(\d+\.\d+( ± \d+\.\d+)?)?$")]
Rule = Literal["best test epoch", "last epoch", "mean of last 10"]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Entry):
    """The paper that printed figures, or the logs that they were computed from."""

    citation: str
    url: str
    seeds: int | None = Field(None, ge=1, description="None where they are not stated.")
    note: str


class PublishedFigure(_Entry):
    """One figure of one method, as a fraction, with the rule by which its epoch was chosen.

    `method` is the name in the source; published_names.py says which method of lnlbench it means.
    """

    method: str
    source: str
    rule: Rule
    backbone: str
    mean: _Fraction
    std: _Fraction | None = None


class Published(_Entry):
    """Sources by name, and their figures."""

    sources: dict[str, Source]
    figures: list[PublishedFigure]


class _PrintedRow(_Entry):
    """A method's figures in percent, as printed, one for each column of its table."""

    network: str
    percent: list[_Percent]


class _PrintedTable(_Entry):
    """Figures of one source and one rule; each column is a data set with its noise."""

    source: str
    rule: Rule
    data: list[tuple[str, str]]
    rows: dict[str, _PrintedRow]

    @model_validator(mode="after")
    def _complete(self) -> "_PrintedTable":
        for name, row in self.rows.items():
            if len(row.percent) != len(self.data):
                raise ValueError(f"{name!r} of {self.source!r} needs {len(self.data)} figures")
        return self

    def figures(self, dataset: str, noise: str) -> Iterator[PublishedFigure]:
        """The figures of one column, if the table has it."""
        if (dataset, noise) not in self.data:
            return
        column = self.data.index((dataset, noise))
        for method, row in self.rows.items():
            numbers = [_fraction(text) for text in re.findall(r"[\d.]+", row.percent[column])]
            if numbers:
                mean, std = numbers[0], numbers[1] if len(numbers) > 1 else None
                yield PublishedFigure(
                    method=method,
                    source=self.source,
                    rule=self.rule,
                    backbone=row.network,
                    mean=mean,
                    std=std,
                )


class _Everything(_Entry):
    sources: dict[str, Source]
    tables: list[_PrintedTable]


def published_figures(dataset: str, noise: str) -> Published:
    """The figures on these data, by method, source and rule; empty if no source has any."""
    text = files("lnlbench.results").joinpath("published.toml").read_text(encoding="utf-8")
    everything = _Everything.model_validate(tomllib.loads(text))
    figures = [each for table in everything.tables for each in table.figures(dataset, noise)]
    figures.sort(key=lambda figure: (figure.method, figure.source, figure.rule))
    cited = {figure.source for figure in figures}
    sources = {name: each for name, each in everything.sources.items() if name in cited}
    return Published(sources=sources, figures=figures)


def _fraction(percent: str) -> float:
    return round(float(percent) / 100, 7)
