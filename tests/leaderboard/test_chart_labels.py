"""Names of points on a chart: none lies on another one, or on another point, or outside."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnlbench.leaderboard.page.chart_labels import Box, Place, label_box, label_places

ROOM = Box(44, 0, 490, 230)


def boxes(points):
    places = label_places(points, ROOM)
    return [label_box(place, name) for place, (_, _, name) in zip(places, points, strict=True)]


def test_a_name_stands_beside_its_point():
    [place] = label_places([(200, 100, "gce")], ROOM)
    assert place == Place(193, 104, ends=True)
    [at_the_edge] = label_places([(50, 100, "gce")], ROOM)
    assert at_the_edge == Place(57, 104, ends=False)


@given(
    st.lists(
        st.tuples(
            st.integers(44, 490), st.integers(5, 225), st.text("abc-", min_size=2, max_size=15)
        ),
        min_size=2,
        max_size=7,
    )
)
def test_names_overlap_neither_names_nor_points(points):
    placed = boxes(points)
    assert all(box.within(ROOM) for box in placed)
    assert not any(one.overlaps(other) for one, other in combinations(placed, 2))
    for x, y, _ in points:
        assert not any(box.overlaps(Box(x - 5, y - 5, x + 5, y + 5)) for box in placed)


def test_a_name_covers_other_points_only_where_it_would_be_far_otherwise():
    [place] = label_places([(200, 100, "gce")], ROOM, others=[(185, 100)])
    assert place == Place(207, 104, ends=False)
    crowd = [(x, y) for x in range(100, 300, 8) for y in range(20, 200, 8)]
    [near] = label_places([(200, 100, "gce")], ROOM, crowd)
    assert abs(near.y - 104) < 11


def test_many_points_at_one_place_keep_their_names_apart():
    placed = boxes([(150 + n, 60 + n, f"method-{n}") for n in range(8)])
    assert not any(one.overlaps(other) for one, other in combinations(placed, 2))


@pytest.mark.parametrize("name", ["a-very-long-name-" * 6])
def test_a_name_without_room_stands_right_of_its_point(name):
    assert label_places([(200, 100, name)], ROOM) == [Place(207, 100, ends=False)]
