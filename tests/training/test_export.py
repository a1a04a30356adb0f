"""Every kind of model that can be embedded becomes a release that says what the model says."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from recto.confidence import Calibration
from recto.document import Page, Word
from recto.errors import ConfigurationError, ReleaseError
from recto.geometry import Box
from recto.inference import Verdict, WordClassifier
from recto.release import BERT_TOKENS, INDEX, ROBERTA_TOKENS, SpecialTokens, WindowSettings
from recto_training import export
from recto_training.commands import export as command
from recto_training.encoders import stored
from recto_training.encoders.model import Base, Reading
from recto_training.models import load_model
from recto_training.predict import HowToRun, Precision, open_word_model
from recto_training.release_of_run import ExportOptions, agreement, write_release_of

EXPORTED: dict[str, bytes] = {}
"""By the hash of the weights: an export takes seconds, and the tests' networks repeat."""
LABELS = ("Total", "Date", "other")
WORDS = ("invoice", "total", "date", "12.50", "EUR", "May")
SMALL = {"width": 24, "heads": 3, "layers": 2, "hidden": 32}
FAMILY = {
    "vocab_size": 16, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 80, "max_2d_position_embeddings": 1024,
}  # fmt: skip
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "lifted BERT": ("layout", {"vocabulary": 16, "positions": 64, **SMALL}),
    "lifted RoBERTa": ("layout", {"vocabulary": 16, "positions": 66, "first_position": 2, **SMALL}),
    "from scratch": ("words", {"vocabulary": 16, "unknown_id": 3, **SMALL}),
    "LayoutLM": ("layoutlm", FAMILY),
    "LiLT": ("lilt", {**FAMILY, "channel_shrink_ratio": 2, "pad_token_id": 1}),
    "LayoutLMv3 without pictures": (
        "layoutlmv3",
        {
            **FAMILY,
            "visual_embed": False,
            "coordinate_size": 4,
            "shape_size": 4,
            "pad_token_id": 1,
            "text_embed": True,
        },
    ),
}
PICTURES = {
    **FAMILY, "coordinate_size": 4, "shape_size": 4, "pad_token_id": 1, "input_size": 224, "patch_size": 32,
}  # fmt: skip


@pytest.fixture(autouse=True)
def exported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real export, but no network twice."""
    to_onnx = export.to_onnx

    def remembered(network: torch.nn.Module) -> bytes:
        weights = sha256(b"".join(p.detach().numpy().tobytes() for p in network.parameters())).hexdigest()
        if weights not in EXPORTED:
            EXPORTED[weights] = to_onnx(network)
        return EXPORTED[weights]

    monkeypatch.setattr(export, "to_onnx", remembered)


def tokenizer(special: SpecialTokens) -> str:
    """RoBERTa's order of special tokens, for both families."""
    names = [special.cls, special.pad, special.sep, special.unk, *WORDS]
    made = Tokenizer(WordLevel({name: i for i, name in enumerate(names)}, unk_token=special.unk))
    made.pre_tokenizer = Whitespace()
    return str(made.to_str())


def model_folder(folder: Path, kind: str, labels: tuple[str, ...] = LABELS) -> Path:
    """A small network of a kind, its weights drawn by chance and large enough to have opinions."""
    torch.manual_seed(5)
    name, architecture = ("layoutlmv3", PICTURES) if kind == "pictures" else KINDS[kind]
    special = ROBERTA_TOKENS if "RoBERTa" in kind or name in ("lilt", "layoutlmv3") else BERT_TOKENS
    network = stored.make_network(name, architecture, len(labels), 0.0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    reading = Reading(tokenizer(special), special, WindowSettings(max_tokens=24, stride=6))
    stored.write_model(folder, base_of(network, reading, labels, name, architecture))
    return folder


def base_of(
    network: Any, reading: Reading, labels: tuple[str, ...], name: str, architecture: dict[str, Any]
) -> Base:
    return Base(
        model=network,
        pages=stored.pages_of(reading),
        reading=reading,
        labels=labels,
        kind=name,
        architecture=architecture,
        hidden_id=3,
    )


def pages() -> list[Page]:
    rng = np.random.default_rng(3)
    return [
        Page(number, tuple(_word(rng) for _ in range(num_words)))
        for number, num_words in enumerate((60, 3, 0, 21, 1), 1)
    ]


def _word(rng: np.random.Generator) -> Word:
    left, top = rng.uniform(0, 0.8, 2)
    return Word(str(rng.choice([*WORDS, "unheard"])), Box(left, top, left + 0.1, top + 0.02), 0.9)


def worlds_apart(one: list[Verdict], other: list[Verdict]) -> float:
    return max(float(np.abs(a.means_WK - b.means_WK).max(initial=0)) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_says_what_its_model_says(kind: str, tmp_path: Path) -> None:
    model = model_folder(tmp_path / "model", kind)

    release = write_release_of(model, tmp_path / "release", ExportOptions())

    in_full = HowToRun(threads=1, precision=Precision.FLOAT32)
    with_images = [(page, None) for page in pages()]
    ours = list(open_word_model(model, in_full).verdicts(with_images))
    theirs = list(open_word_model(tmp_path / "release", in_full).verdicts(with_images))
    assert worlds_apart(ours, theirs) < 1e-3
    assert [v.predictions.classes for v in ours] == [v.predictions.classes for v in theirs]
    assert np.concatenate([v.means_WK for v in ours]).std(axis=0).min() > 1e-3
    assert release.name == "model"
    assert release.figures["parity"]["largest_difference"] < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_pages_together_and_bfloat16_change_little(kind: str, tmp_path: Path) -> None:
    model = load_model(model_folder(tmp_path, kind), half=False)
    half = load_model(tmp_path, half=True)

    together = list(model.verdicts((page, None) for page in pages()))
    alone = [next(model.verdicts([(page, None)])) for page in pages()]
    rough = list(half.verdicts((page, None) for page in pages()))

    assert worlds_apart(together, alone) < 1e-3
    assert worlds_apart(together, rough) < 0.1


@pytest.mark.parametrize("kind", ["lifted BERT", "LayoutLM"])
def test_eight_bit_weights_are_smaller_and_measured_on_pages(kind: str, tmp_path: Path) -> None:
    model = model_folder(tmp_path / "model", kind)
    whole = write_release_of(model, tmp_path / "whole", ExportOptions())

    options = ExportOptions(name="small", eight_bit=True, pages=pages(), licence="MIT")
    release = write_release_of(model, tmp_path / "small", options)

    sizes = [(tmp_path / name / "model.onnx").stat().st_size for name in ("whole", "small")]
    assert sizes[1] < sizes[0]
    parity = release.figures["parity"]
    assert parity["precision"] == "int8 weights"
    assert parity["pages"]["words"] == 85
    assert 0.8 < parity["pages"]["same_class"] <= 1
    assert 0 < parity["pages"]["mean_difference"] < 0.1
    rows_and_columns = eight_bit_matrices(tmp_path / "small" / "model.onnx")
    assert rows_and_columns
    assert all(rows <= columns for rows, columns in rows_and_columns)
    assert (release.name, release.licence, whole.licence) == ("small", "MIT", "not stated")
    assert WordClassifier.load(tmp_path / "small").release == release


def eight_bit_matrices(path: Path) -> list[tuple[int, ...]]:
    graph = onnx.load(path).graph
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    return [shapes[node.input[1]] for node in graph.node if node.op_type == "MatMulInteger"]


def test_a_model_of_pictures_is_sent_to_an_endpoint(tmp_path: Path) -> None:
    model = model_folder(tmp_path / "model", "pictures")

    with pytest.raises(ConfigurationError, match=r"layoutlmv3, which looks at page images.*--endpoint"):
        write_release_of(model, tmp_path / "release", ExportOptions())
    assert not (tmp_path / "release").exists()


def test_pictures_of_any_size_are_looked_at(tmp_path: Path) -> None:
    opened = open_word_model(model_folder(tmp_path / "model", "pictures"), HowToRun(threads=1))
    dark, light = (np.full((30, 20, 3), level, np.uint8) for level in (0, 255))

    seen = [list(opened.verdicts([(pages()[0], picture)])) for picture in (dark, light, None)]

    assert opened.wants_pictures
    assert worlds_apart(seen[0], seen[1]) > 1e-4
    assert worlds_apart(seen[0], seen[2]) > 1e-4


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_pre_trained_model_without_labels_is_refused(tmp_path: Path) -> None:
    model = model_folder(tmp_path / "model", "lifted BERT", ())

    with pytest.raises(ConfigurationError, match="has no labels"):
        write_release_of(model, tmp_path / "release", ExportOptions())


def test_what_lies_beside_the_model_is_taken_over(tmp_path: Path) -> None:
    model = model_folder(tmp_path / "model", "lifted BERT")
    fields = [{"ClassId": 0, "Name": "Total", "Type": "money"}, {"ClassId": 1, "Name": "Date"}]
    (model / "fields.json").write_text(json.dumps(fields))
    (model / "thresholds.json").write_text('{"default": 0.7}')
    calibration = Calibration.default().model_dump_json()
    (model / "calibration.json").write_text(calibration)
    (model / "run.json").write_text('{"seed": 9, "recipe": {"name": "tiny"}, "best": {"eval_loss": 0.5}}')

    release = write_release_of(model, tmp_path / "release", ExportOptions())

    assert json.loads((tmp_path / "release" / "fields.json").read_text()) == fields
    assert (tmp_path / "release" / "thresholds.json").read_text() == '{"default": 0.7}'
    assert (tmp_path / "release" / "calibration.json").read_text() == calibration
    assert (release.seed, release.recipe) == (9, "tiny")
    assert release.figures["training"]["best"] == {"eval_loss": 0.5}


def test_a_model_without_a_field_list_gets_one_of_its_labels(tmp_path: Path) -> None:
    model = model_folder(tmp_path / "model", "lifted BERT")

    write_release_of(model, tmp_path / "release", ExportOptions())

    entries = json.loads((tmp_path / "release" / "fields.json").read_text())
    assert [(entry["ClassId"], entry["Name"]) for entry in entries] == [(0, "Total"), (1, "Date")]


def test_a_field_list_of_another_model_is_refused(tmp_path: Path) -> None:
    model = model_folder(tmp_path / "model", "lifted BERT")
    (tmp_path / "other.json").write_text('[{"ClassId": 0, "Name": "Sum"}]')

    with pytest.raises(ReleaseError, match=r"other.json does not fit the model model: .*3 classes"):
        write_release_of(model, tmp_path / "release", ExportOptions(fields=tmp_path / "other.json"))


def test_weights_of_another_label_set_are_refused(tmp_path: Path) -> None:
    model = model_folder(tmp_path / "model", "lifted BERT")
    (model / "labels.json").write_text('["Total", "other"]')

    with pytest.raises(ConfigurationError, match=r"does not fit config\.json and labels\.json"):
        open_word_model(model)


def test_an_export_that_says_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_folder(tmp_path / "model", "lifted BERT")
    monkeypatch.setattr(export, "largest_difference", lambda *_: 0.01)

    with pytest.raises(ReleaseError, match=r"differs from torch by 0\.01"):
        write_release_of(model, tmp_path / "release", ExportOptions())
    assert not (tmp_path / "release").exists()


def test_the_command_exports_and_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = model_folder(tmp_path / "model", "lifted BERT")
    response = {"Blocks": [block(text) for text in ("total", "12.50")]}
    (tmp_path / "ocr").mkdir()
    (tmp_path / "ocr" / "a.json").write_text(json.dumps(response))

    arguments = [str(model), "--release", str(tmp_path / "r"), "--int8", "--pages", str(tmp_path / "ocr")]
    assert command.main([*arguments, "--name", "first"]) == 0

    said = capsys.readouterr().out
    assert '"words": 2' in said
    assert "release first:" in said
    assert (tmp_path / "r" / INDEX).is_file()


def block(text: str) -> dict[str, Any]:
    box = {"Left": 0.1, "Top": 0.1, "Width": 0.2, "Height": 0.02}
    return {
        "BlockType": "WORD",
        "Text": text,
        "Confidence": 99.0,
        "Page": 1,
        "Geometry": {"BoundingBox": box},
    }


def test_pages_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--pages"):
        list(command.read_all(tmp_path))


def test_agreement_counts_words_and_those_of_fields() -> None:
    def verdict(means: list[list[float]]) -> Verdict:
        return Verdict(None, np.array(means))  # type: ignore[arg-type]

    one = verdict([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    other = verdict([[0.8, 0.2], [0.2, 0.8], [0.6, 0.4]])

    said = agreement([one], [other])

    assert said["same_class"] == pytest.approx(2 / 3)
    assert said["same_class_of_field_words"] == pytest.approx(1 / 2)
    assert said["largest_difference"] == pytest.approx(0.2)
    assert said["mean_difference"] == pytest.approx(0.1)
