from hypothesis import given
from hypothesis import strategies as st

from recto.geometry import Box

parts = st.floats(0, 1)
boxes = st.builds(Box.clipped, parts, parts, parts, parts)
anywhere = st.floats(-10, 10)


@given(boxes)
def test_a_box_comes_back_from_textracts_form(box: Box) -> None:
    back = Box.from_textract(box.to_textract())

    assert all(abs(a - b) < 1e-9 for a, b in zip(back, box, strict=True))


@given(anywhere, anywhere, anywhere, anywhere)
def test_a_clipped_box_lies_on_the_page_with_its_sides_in_order(
    a: float, b: float, c: float, d: float
) -> None:
    box = Box.clipped(a, b, c, d)

    assert 0 <= box.left <= box.right <= 1
    assert 0 <= box.top <= box.bottom <= 1


@given(st.lists(boxes, min_size=1, max_size=6))
def test_the_box_around_boxes_holds_them_all_and_touches_each_side(inner: list[Box]) -> None:
    around = Box.around(inner)

    assert all(around.left <= box.left and around.right >= box.right for box in inner)
    assert all(around.top <= box.top and around.bottom >= box.bottom for box in inner)
    assert around.left in [box.left for box in inner]
    assert around.bottom in [box.bottom for box in inner]


@given(boxes, boxes)
def test_intersection_is_the_same_both_ways_and_no_larger_than_either(one: Box, other: Box) -> None:
    shared = one.intersection(other)

    assert shared == other.intersection(one)
    assert 0 <= shared <= min(one.area, other.area) + 1e-12


@given(boxes)
def test_the_grid_keeps_order_and_stays_within_0_to_1000(box: Box) -> None:
    x0, y0, x1, y1 = box.on_grid()

    assert 0 <= x0 <= x1 <= 1000
    assert 0 <= y0 <= y1 <= 1000


@given(boxes, boxes)
def test_vertical_overlap_is_a_share_and_the_same_both_ways(one: Box, other: Box) -> None:
    assert 0 <= one.vertical_overlap(other) <= 1
    assert one.vertical_overlap(other) == other.vertical_overlap(one)
