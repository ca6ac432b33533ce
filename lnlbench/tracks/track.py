"""Tracks: a named protocol, and what a spec carries of a track that lnlbench does not ship."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from lnlbench.document import Document, LeftOut
from lnlbench.errors import UsageError, shown
from lnlbench.results.schema import OFF_TRACK
from lnlbench.tracks.protocol import Protocol

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = 80
# A track names a folder of results and the files of its table, beside these.
_TAKEN = (OFF_TRACK, "readme", "index")
_TAKEN_END = "-noises"


class TrackDefinition(Document):
    """What decides whether two runs belong into one table: the title, and the whole protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=200)
    protocol: Protocol

    @field_validator("protocol")
    @classmethod
    def _precision_is_fixed(cls, protocol: Protocol) -> Protocol:
        if protocol.precision == "auto":
            raise ValueError(
                "precision 'auto' would make a row depend on the machine: say 'fp32' or 'bf16'"
            )
        return protocol


class TrackData(BaseModel):
    """The settings of a plugin's data set as a track gives them, and the content that it expects.

    Unlike those of a `DataSpec`, the settings may say where the data lie.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: dict[str, JsonValue] = Field(
        default_factory=dict, description="Settings of the plugin's data set."
    )
    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="Of all images, labels and classes; null for the data that are found.",
    )


class Track(TrackDefinition):
    """A named protocol with a title and a description.

    `data` belongs to a data set of a plugin: the protocol says which data these are once they have
    been read. Relative paths in it begin at `folder`. `own` tells the tracks of files and plugins
    from those that lnlbench ships.
    """

    name: str
    description: str = ""
    data: Annotated[TrackData | None, LeftOut()] = None
    own: bool = Field(default=True, exclude=True)
    folder: Path | None = Field(default=None, exclude=True)

    @property
    def definition(self) -> TrackDefinition | None:
        """What a spec carries of an own track, so that it means the same without its file."""
        return TrackDefinition(title=self.title, protocol=self.protocol) if self.own else None

    def with_protocol(self, changes: dict[str, Any]) -> "Track":
        """The track with some fields of its protocol replaced, all of whose values are allowed."""
        fields = self.protocol.model_dump(mode="json") | changes
        return self.model_copy(update={"protocol": Protocol.model_validate(fields)})


def check_own_name(name: str, shipped: Iterable[str]) -> None:
    """Refuse a name that an own track cannot have.

    Raises:
        UsageError: it is a track of lnlbench, or cannot name a folder and a page of results.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST]
        guess = f" Did you mean {near!r}?" if near else ""
        raise UsageError(
            f"A track cannot be called {shown(name)}: its name is lower-case words of a-z "
            f"and 0-9 joined by hyphens, at most {_LONGEST} characters.{guess}"
        )
    if name in shipped:
        raise UsageError(
            f"The name {name!r} belongs to a track that lnlbench ships, and results of both would "
            f"share a table. Choose another name, such as 'my-{name}'."
        )
    if name in _TAKEN or name.endswith(_TAKEN_END):
        raise UsageError(
            f"A track cannot be called {name!r}: files of that name stand beside its table. Choose "
            "another name."
        )
