"""Where the names of points stand on a chart, so that no two names overlap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from operator import itemgetter

_ABOVE, _LINE, _LETTER = 9.0, 11.0, 6.7  # of a text of 11 pixels: ascent, line height, letter width
_ASIDE = 7.0  # from the middle of a point to its name
_LEVELS = range(30)


@dataclass(frozen=True)
class Place:
    """Where a name stands: the place of its baseline, and whether the name ends there."""

    x: float
    y: float
    ends: bool


@dataclass(frozen=True)
class Box:
    """A rectangle on the chart, in pixels from its left and upper edge."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Whether both have a part in common."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)

    def within(self, other: "Box") -> bool:
        """Whether this lies in `other`."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


def label_places(
    points: Sequence[tuple[float, float, str]],
    room: Box,
    others: Sequence[tuple[float, float]] = (),
) -> list[Place]:
    """A place for the name of each point (x, y, name), near the point and inside the room.

    A name covers neither another name nor another named point, and as few of the `others` (x, y)
    as it can without being far from its point. The order of the points decides which name gets the
    best place. A name for which no place is free stands to the right of its point.
    """
    places: list[Place] = []
    taken = [_circle(x, y) for x, y, _ in points]
    covered = [_circle(*each) for each in others]
    for x, y, name in points:
        free = [
            (level + 2 * sum(box.overlaps(other) for other in covered), place)
            for level, place in _candidates(x, y)
            if (box := label_box(place, name)).within(room)
            and not any(box.overlaps(other) for other in taken)
        ]
        place = min(free, key=itemgetter(0))[1] if free else Place(x + _ASIDE, y, ends=False)
        places.append(place)
        taken.append(label_box(place, name))
    return places


def label_box(place: Place, name: str) -> Box:
    """The room that a name takes at a place."""
    width = _LETTER * len(name)
    left = place.x - width if place.ends else place.x
    return Box(left, place.y - _ABOVE, left + width, place.y - _ABOVE + _LINE)


def _circle(x: float, y: float) -> Box:
    return Box(x - 5, y - 5, x + 5, y + 5)


def _candidates(x: float, y: float) -> Iterator[tuple[int, Place]]:
    """Places and how far they are: beside the point, then by half a line above and below it."""
    for level, sign, ends in product(_LEVELS, (-1, 1), (True, False)):
        at = x - _ASIDE if ends else x + _ASIDE
        yield level, Place(at, y + 4 + sign * level * _LINE / 2, ends)
