"""Mentions come out of their list as they went in."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from recto.confidence import Evidence
from recto.geometry import Box
from recto.mentions import Mention, MentionList

numbers = st.floats(allow_nan=False)
texts = st.text(st.characters(), max_size=5)
boxes = st.builds(Box, numbers, numbers, numbers, numbers)
found = st.builds(
    Mention,
    class_id=st.integers(0),
    name=texts,
    page=st.integers(1),
    words=st.lists(st.integers(0), max_size=3).map(tuple),
    blocks=st.lists(texts, max_size=3).map(tuple),
    box=boxes,
    boxes=st.lists(boxes, max_size=3).map(tuple),
    text=texts,
    evidence=st.lists(numbers, min_size=14, max_size=14).map(Evidence._make),
    raw_text=st.none() | texts,
)


@given(st.lists(found, max_size=3))
def test_mentions_come_back_as_they_were(mentions: list[Mention]) -> None:
    held = MentionList(mentions[:1])
    for mention in mentions[1:]:
        held.append(mention)

    assert list(held) == mentions
    assert [held[place] for place in range(len(held))] == mentions
    assert {type(box) for mention in held for box in (mention.box, *mention.boxes)} <= {Box}


def test_numbers_keep_all_their_digits() -> None:
    box = Box(0.1, 1 / 3, 0.1 + 0.2, 5e-324)
    mention = Mention(1, "Fee", 7, (3,), ("id",), box, (box,), "$25", Evidence.of_words([0.7], [2 / 3]))

    (held,) = MentionList([mention])

    assert struct.pack("<4d", *held.box) == struct.pack("<4d", *box)
    assert held.evidence == mention.evidence
    assert isinstance(held.evidence, Evidence)
