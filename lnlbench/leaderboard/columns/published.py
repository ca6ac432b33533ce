"""The columns for figures from papers. These stand beside a table and are never ranked with it."""

from dataclasses import dataclass

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.column import Column
from lnlbench.results.published import Published, PublishedFigure, Source


@dataclass(frozen=True)
class CitedFigure:
    """A figure with its source, and the number of the source in the list below the table."""

    figure: PublishedFigure
    source: Source
    number: int

    @property
    def accuracy(self) -> str:
        """The accuracy in percent, with its standard deviation if the source prints one."""
        return text.spread(self.figure.mean, self.figure.std)

    @property
    def seeds(self) -> str:
        """The number of seeds, or words if the source does not state it."""
        return "not stated" if self.source.seeds is None else str(self.source.seeds)


def numbered_sources(published: Published) -> list[Source]:
    """The sources in the order of their numbers, which begin at 1."""
    return [published.sources[name] for name in sorted(published.sources)]


def cited_figures(published: Published) -> list[CitedFigure]:
    """The figures in order of name, with their sources."""
    numbers = {name: i for i, name in enumerate(sorted(published.sources), start=1)}
    return [
        CitedFigure(figure, published.sources[figure.source], numbers[figure.source])
        for figure in published.figures
    ]


# The page makes this a link.
SOURCE = Column[CitedFigure](
    "source", lambda cited: f"[{cited.number}]", lambda c: c.number, numeric=True
)
PUBLISHED = (
    Column[CitedFigure]("method", lambda cited: cited.figure.method, lambda c: c.figure.method),
    Column[CitedFigure](
        "accuracy", lambda cited: cited.accuracy, lambda c: c.figure.mean, numeric=True
    ),
    Column[CitedFigure]("reporting rule", lambda cited: cited.figure.rule, lambda c: c.figure.rule),
    Column[CitedFigure](
        "network", lambda cited: cited.figure.backbone, lambda c: c.figure.backbone
    ),
    Column[CitedFigure]("seeds", lambda cited: cited.seeds, lambda c: c.source.seeds, numeric=True),
    SOURCE,
)
