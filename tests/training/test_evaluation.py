"""A whole evaluation: the worst documents, the report, what is shown of text that is not harmless."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from recto.confidence import Calibration
from recto.document import Page, PagePredictions, Word
from recto.fields import parse_fields
from recto.geometry import Box
from recto_training.corpus import IGNORED, LabelledDocument, LabelledPage
from recto_training.evaluation.curves import CurvePoint, advice, curve_plot, read_curve, write_curve
from recto_training.evaluation.drawings import INVENTED, MISSED, MIXED_UP, RIGHT, draw_page, style_of
from recto_training.evaluation.evaluation import Evaluation, Rules, evaluate
from recto_training.evaluation.report import render_report
from recto_training.evaluation.truth import Match
from recto_training.faults import DataError

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "date", "Select": "confidence"},
        {"ClassId": 1, "Name": "total", "Select": "confidence"},
    ]
)
OTHER = 2
RULES = Rules(FIELDS.labels, FIELDS, Calibration.default(), Match.ALNUM)
FORMS = Rules(("B-KEY", "I-KEY", "other"), None, Calibration.default())


def page(texts: list[str], classes: list[int], image: str = "") -> LabelledPage:
    words = tuple(
        Word(text, Box(0.1 + 0.2 * n, 0.1, 0.25 + 0.2 * n, 0.12), 0.9, 0) for n, text in enumerate(texts)
    )
    return LabelledPage(Page(1, words), tuple(classes), image=image)


def said(classes: list[int]) -> tuple[PagePredictions, ...]:
    return (PagePredictions(1, tuple(classes), tuple(0.9 for _ in classes)),)


def document(name: str, texts: list[str], classes: list[int], image: str = "") -> LabelledDocument:
    return LabelledDocument(name, (page(texts, classes, image),))


def evaluated(rules: Rules = RULES, worst: int = 8) -> Evaluation:
    right = document("right", ["x", "1/1/2020", "5.00"], [OTHER, 0, 1])
    one = document("one error", ["x", "1/1/2020", "5.00"], [OTHER, 0, 1])
    two = document("two errors", ["<script>alert(1)</script>", "1/1/2020", "5.00"], [OTHER, 0, 1])
    return evaluate(
        [
            (one, said([OTHER, 0, OTHER])),
            (right, said([OTHER, 0, 1])),
            (two, said([1, OTHER, OTHER])),
        ],
        rules,
        worst,
    )


class Reader(HTMLParser):
    """Collects tags and the addresses that a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_documents_with_the_most_errors_come_first_and_the_faultless_not_at_all() -> None:
    assert [bad.document.id for bad in evaluated().worst] == ["two errors", "one error"]
    assert [bad.document.id for bad in evaluated(worst=1).worst] == ["two errors"]
    assert evaluated(worst=0).worst == []


def test_words_entities_fields_and_confidence_are_counted_in_one_pass() -> None:
    figures = evaluated().figures()

    assert (figures["documents"], figures["pages"]) == (3, 3)
    assert figures["words"]["by_class"]["date"] == {"precision": 1.0, "recall": 0.6667, "f1": 0.8, "true": 3}
    assert figures["entities"]["all"]["true"] == 6
    assert figures["fields"]["by_field"]["total"]["f1"] == pytest.approx(0.4)
    assert figures["fields"]["documents_without_error"] == 1
    assert figures["confidence"]["values"] == 4
    assert figures["confusion"]["matrix"] == [[2, 0, 1], [0, 1, 2], [0, 1, 2]]


def test_labels_that_are_no_fields_give_words_and_entities_alone() -> None:
    form = document("form", ["Name", ":"], [0, 1])
    found = evaluate([(form, said([0, OTHER]))], FORMS)

    figures = found.figures()

    assert figures["entities"]["counted"] == "as seqeval, BIO"
    assert "fields" not in figures
    assert found.worst[0].errors == 1
    assert "Which class is taken for which" in render_report(found, title="form")


def test_the_report_loads_nothing_and_runs_nothing() -> None:
    reader = Reader()
    reader.feed(render_report(evaluated(), title="<b>mine</b>", warnings=["<i>careful</i>"]))

    assert "script" not in reader.tags
    assert all(address.startswith("data:") for address in reader.addresses)
    assert {"svg", "table", "title"} <= set(reader.tags)
    assert "i" not in reader.tags


def test_what_a_document_says_is_shown_not_obeyed() -> None:
    html = render_report(evaluated(), title="t")

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_plots_are_drawn_once_there_are_enough_values() -> None:
    many = [
        (document(f"{n}", ["1/1/2020", "5.00"], [0, 1]), said([0, 1 if n % 3 else OTHER])) for n in range(9)
    ]

    assert "<img" not in render_report(evaluated(), title="few")
    assert render_report(evaluate(many, RULES), title="many").count('<img src="data:image/svg') == 2


def test_a_pages_picture_stands_behind_its_boxes(tmp_path: Path) -> None:
    path = f"{tmp_path}/page.png"
    Image.new("RGB", (100, 250), "white").save(path)

    with_picture = draw_page(page(["5.00"], [1], path), said([OTHER])[0], FIELDS.labels)
    without = draw_page(page(["5.00"], [1], f"{tmp_path}/absent.png"), said([OTHER])[0], FIELDS.labels)

    assert 'href="data:image/jpeg;base64,' in with_picture
    assert 'viewBox="0 0 700 1750"' in with_picture
    assert "<text" in without
    assert "5.00: true total, found other (0.90)" in without


@pytest.mark.parametrize(
    ("true", "found", "style"),
    [
        (0, 0, RIGHT),
        (0, OTHER, MISSED),
        (OTHER, 0, INVENTED),
        (0, 1, MIXED_UP),
        (OTHER, OTHER, None),
        (IGNORED, 0, None),
    ],
)
def test_each_kind_of_word_has_its_mark(true: int, found: int, style: object) -> None:
    assert style_of(true, found, OTHER) == style


def test_a_learning_curve_comes_back_from_its_file_and_says_whether_more_would_help(tmp_path: Path) -> None:
    path = tmp_path / "curve.json"
    points = [
        CurvePoint(size, entities=0.5, fields=f1, by_name={"date": f1})
        for size, f1 in ((10, 0.4), (100, 0.7), (400, 0.702))
    ]

    write_curve(path, points)

    assert read_curve(path) == points
    assert advice(points[:2]) == (
        "From 10 to 100 documents F1 went from 0.400 to 0.700: more labelled documents would probably help."
    )
    assert "will probably bring little" in advice(points)
    assert advice([points[0]._replace(fields=0.0)] * 2).startswith("No run found anything right")
    assert curve_plot(points).image.startswith("data:image/svg+xml;base64,")


def test_another_file_is_no_learning_curve(tmp_path: Path) -> None:
    path = tmp_path / "curve.json"
    path.write_text('[{"size": 3}]')

    with pytest.raises(DataError, match=r"not a curve\.json of `recto learning-curve`"):
        read_curve(path)
