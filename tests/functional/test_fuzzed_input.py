"""Damaged documents through the decoders: each is drawn, or refused by the name that its damage allows."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.damage import DAMAGES, OPEN, RESULT, damaged_documents, read_document, real_sources
from tests.contract.template import ROOT

DATA = ROOT.parent / "shared" / "data"
NUM_DAMAGES = sum(map(len, DAMAGES.values()))
"""Each once; `benchmarks/fuzzing.py` goes on for as long as one likes."""
SEED = 7

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")


def test_each_damage_ends_as_it_may_and_every_way_of_ending_occurs(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    wrong = []

    for document in islice(damaged_documents(real_sources(DATA), SEED), NUM_DAMAGES):
        path = tmp_path / document.name
        path.write_bytes(document.body)
        reading = read_document(path, most_pages=1)
        path.unlink()
        seen[reading.outcome] += 1
        if reading.outcome not in document.expected:
            wrong.append((document.name, reading, sorted(document.expected)))

    assert wrong == []
    assert seen.keys() == OPEN, seen
    assert seen[RESULT] < NUM_DAMAGES * 0.6


def test_a_seed_gives_the_same_documents_again() -> None:
    sources = real_sources(DATA)[:20]

    first, again = (list(islice(damaged_documents(sources, SEED), 40)) for _ in range(2))
    others = list(islice(damaged_documents(sources, SEED + 1), 40))

    assert first == again
    assert [document.body for document in first] != [document.body for document in others]
