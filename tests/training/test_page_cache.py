"""Pages that were read before."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recto.document import Page, Word
from recto.geometry import Box
from recto_training.caching import PageCache, StoredPages, store_pages
from recto_training.corpus import LabelledPage
from tests.training.labelled import labelled_pages, page_of

PAGES = [Page(n, (Word(f"page-{n}", Box(0.25, 0.5, 0.75, 1.0), 0.5),)) for n in range(1, 6)]


def test_some_pages_are_read_without_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_pages(tmp_path / "x.pages", PAGES)
    stored = StoredPages(tmp_path / "x.pages")
    decoded: list[Page] = []
    monkeypatch.setattr("recto_training.caching.decode_page", decoded.append)

    assert stored.numbers == (1, 2, 3, 4, 5)
    assert len(list(stored.read({2, 4}))) == len(decoded) == 2


@given(st.lists(labelled_pages(), max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_stored_pages_come_back(tmp_path: Path, pages: list[LabelledPage]) -> None:
    numbered = [one.page._replace(number=number) for number, one in enumerate(pages, start=1)]

    store_pages(tmp_path / "x.pages", numbered)

    assert list(StoredPages(tmp_path / "x.pages").read()) == numbered


def test_other_readers_make_other_pages_of_the_same_content(tmp_path: Path) -> None:
    cache = PageCache(tmp_path)

    first, second = (
        list(cache.stored(kind, "content", lambda k=kind: [page_of(k)]).read()) for kind in ("one", "two")
    )

    assert [page[0].words[0].text for page in (first, second)] == ["one", "two"]


def test_several_at_once_all_see_whole_documents(tmp_path: Path) -> None:
    cache, together = PageCache(tmp_path), Barrier(8)

    def read(_: int) -> list[Page]:
        together.wait()
        return list(cache.stored("kind", "content", lambda: PAGES).read())

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(read, range(8)))

    assert results == [PAGES] * 8
    assert [path.suffix for path in tmp_path.iterdir()] == [".pages"]


def test_a_reader_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken():  # noqa: ANN202
        yield PAGES[0]
        raise ValueError("torn")

    with pytest.raises(ValueError, match="torn"):
        PageCache(tmp_path).stored("kind", "content", broken)

    assert not list(tmp_path.iterdir())
