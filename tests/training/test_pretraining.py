"""Pre-training without labels: what is hidden, what is told, and that a run goes on from its checkpoint."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from recto.errors import ConfigurationError
from recto_training import fit, pretraining
from recto_training import windows as win
from recto_training.__main__ import main
from recto_training.commands.pretrain import open_bare
from recto_training.corpus import IGNORED, ListCorpus
from recto_training.encoders import stored
from recto_training.encoders.opening import BaseOptions, open_base
from recto_training.loop import RUN
from recto_training.models import load_model
from recto_training.word_recipes import PretrainingRecipe, pages_tiny, tiny
from tests.training.test_encoders import bert, layoutlmv3
from tests.training.tiny_corpus import LABELS, corpus


def short(**changes: Any) -> PretrainingRecipe:
    return replace(
        pages_tiny(),
        **({"max_steps": 4, "eval_strategy": "steps", "eval_steps": 2, "place_probability": 0.15} | changes),
    )


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    bert(folder)
    return folder


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, base_folder: Path) -> Path:
    recipe = short(model_name_or_path=str(base_folder))
    run = tmp_path_factory.mktemp("pages")
    pretraining.pretrain(recipe, open_bare(recipe, corpus(8)), corpus(8), corpus(3, seed=1), run)
    return run


def a_window(base_folder: Path) -> tuple[win.Example, Any]:
    base = open_base(base_folder, pretraining.NO_LABELS, BaseOptions(max_tokens=64, stride=16))
    return next(win.make_examples(corpus(1), base.pages)), base


def test_masked_words_are_masked_whole_and_told(base_folder: Path) -> None:
    example, base = a_window(base_folder)
    seen = 0

    for seed in range(30):
        hints = pretraining.hinted_window(example, base, short(mlm_probability=0.3), Random(seed))
        told = hints.words_L != IGNORED
        seen += int(told.sum())
        for word in set(example.words_L[told].tolist()):
            assert told[example.words_L == word].all(), "a part of a word is masked"
        assert (hints.words_L[told] == example.ids_L[told]).all()
        assert (hints.ids_L[~told] == example.ids_L[~told]).all()
        assert not told[[0, -1]].any(), "special tokens are left alone"

    assert 0.2 < seen / (30 * example.length) < 0.4


def test_hidden_places_are_other_words_and_their_cells_are_told(base_folder: Path) -> None:
    example, base = a_window(base_folder)
    recipe = short(mlm_probability=0.3, place_probability=0.5)
    hidden_somewhere = False

    for seed in range(10):
        hints = pretraining.hinted_window(example, base, recipe, Random(seed))
        hidden = hints.places_L != IGNORED
        hidden_somewhere |= bool(hidden.any())
        assert not (hidden & (hints.words_L != IGNORED)).any()
        assert (hints.boxes_L4[hidden] == 0).all()
        assert (hints.boxes_L4[~hidden] == example.boxes_L4[~hidden]).all()
        assert (hints.places_L[hidden] == pretraining.cells_of(example.boxes_L4.astype(int), 8)[hidden]).all()

    assert hidden_somewhere


def test_cells_are_numbered_across_then_down() -> None:
    boxes = np.array(
        [[0, 0, 0, 0], [1000, 0, 1000, 0], [0, 1000, 0, 1000], [1000, 1000, 1000, 1000], [490, 490, 500, 500]]
    )

    assert pretraining.cells_of(boxes, 8).tolist() == [0, 7, 56, 63, 27]


def test_a_run_reports_each_task_and_leaves_a_folder_without_classes(pretrained: Path) -> None:
    record = json.loads((pretrained / RUN).read_text())

    assert record["task"] == "pre-training"
    assert {"eval_loss", "eval_word_acc", "eval_place_acc"} <= set(record["best"])
    assert json.loads((pretrained / stored.LABELS).read_text()) == ["other"]


def test_training_goes_on_from_a_pre_trained_encoder_without_being_asked(
    pretrained: Path, tmp_path: Path
) -> None:
    recipe = replace(tiny(), max_steps=2, model_name_or_path=str(pretrained))
    base = fit.open_recipe(recipe, LABELS, ())
    before = stored.read_model(pretrained)

    assert base.model.num_classes == len(LABELS)
    name = "layers.0.up.weight"
    assert torch.equal(base.model.encoder.state_dict()[name], before.model.encoder.state_dict()[name])
    fit.fit(recipe, corpus(4), corpus(2, seed=1), tmp_path)
    assert load_model(tmp_path, half=False).labels == LABELS


def test_pre_training_changes_the_encoder(pretrained: Path, base_folder: Path) -> None:
    plain = open_base(base_folder, LABELS, BaseOptions(max_tokens=64, stride=16)).model.encoder.state_dict()
    learnt = stored.read_model(pretrained).model.encoder.state_dict()

    assert not torch.equal(plain["layers.0.up.weight"], learnt["layers.0.up.weight"])
    assert not torch.equal(plain["place.weight"], learnt["place.weight"])


def test_a_resumed_run_ends_like_an_uninterrupted_one(
    pretrained: Path, base_folder: Path, tmp_path: Path
) -> None:
    recipe = short(model_name_or_path=str(base_folder))
    for until in (2, None):
        bare = open_bare(recipe, corpus(8))
        pretraining.pretrain(recipe, bare, corpus(8), corpus(3, seed=1), tmp_path, until)

    once, twice = (stored.read_model(folder).model.state_dict() for folder in (pretrained, tmp_path))
    assert all(torch.equal(once[name], twice[name]) for name in once)


@pytest.mark.filterwarnings("ignore:licence")
def test_an_image_model_also_learns_which_lines_are_covered_and_whose_image_it_is(tmp_path: Path) -> None:
    base = tmp_path / "v3"
    base.mkdir()
    layoutlmv3(base)
    image = tmp_path / "page.png"
    Image.new("RGB", (100, 140), "white").save(image)
    recipe = short(model_name_or_path=str(base), tiam_probability=0.5, tim_probability=0.5)
    data = corpus(6, image=str(image))

    run = pretraining.pretrain(
        recipe, open_bare(recipe, data), data, corpus(3, 1, str(image)), tmp_path / "run"
    )

    assert {"eval_cover_acc", "eval_match_acc"} <= set(run.best)


def test_blacked_lines_are_black_in_the_image_and_told_word_by_word(base_folder: Path) -> None:
    example, base = a_window(base_folder)
    white = np.full((224, 224, 3), 255, np.uint8)
    windows = pretraining.Windows(list(corpus(1)), base)

    changed, covered = pretraining.blacked(
        white, example, windows.lines(example), short(tiam_probability=0.5), Random(3)
    )

    assert {0, 1} <= set(covered.tolist())
    for box, told in zip(example.boxes_L4.astype(int) * 224 // 1000, covered, strict=True):
        if told != IGNORED:
            assert bool((changed[box[1] : box[3], box[0] : box[2]] == 0).all()) == bool(told)


def test_swapped_images_go_round_and_one_alone_stays() -> None:
    for seed in range(20):
        order = pretraining.swapped(6, 0.5, Random(seed))
        assert sorted(order) == list(range(6))
    assert pretraining.swapped(1, 1.0, Random(0)) == [0]
    assert all(place != at for place, at in enumerate(pretraining.swapped(4, 1.0, Random(0))))


def test_pages_without_words_are_told(base_folder: Path, tmp_path: Path) -> None:
    recipe = short(model_name_or_path=str(base_folder))
    empty = ListCorpus((), pretraining.NO_LABELS)

    with pytest.raises(ConfigurationError, match="no words to pre-train on: 0 documents"):
        pretraining.pretrain(recipe, open_bare(recipe, empty), empty, empty, tmp_path)


def line_files(folder: Path, number: int) -> None:
    folder.mkdir()
    for n in range(number):
        lines = [
            {"text": f"Total due for order {n}", "box": [10, 20 + 30 * i, 200, 40 + 30 * i]} for i in range(5)
        ]
        (folder / f"{n}.json").write_text(json.dumps({"width": 300, "height": 400, "lines": lines}))


def test_the_command_takes_a_folder_of_lines_and_its_model_is_a_base(tmp_path: Path) -> None:
    line_files(tmp_path / "ocr", 6)
    common = ["--recipe", "tiny", "--max_steps", "2", "--cache", str(tmp_path / "cache")]

    code = main(
        ["pretrain", "--textract", str(tmp_path / "ocr"), "--output_dir", str(tmp_path / "run"), *common]
    )

    assert code == 0
    assert open_base(tmp_path / "run", LABELS, BaseOptions(max_tokens=64, stride=16)).kind == "words"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no pages: name manifests, or a folder"),
        (["--textract", "nowhere"], "there is no folder nowhere"),
        (["--recipe", "grand"], "recipe grand: expected pages, tiny"),
        (["--mlm_probabilty", "0.2", "--textract", "x"], "did you mean --mlm_probability?"),
    ],
)
def test_the_command_says_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretrain", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_folder_without_ocr_results_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "note.json").write_text("{}")

    assert main(["pretrain", "--textract", str(tmp_path)]) == 1
    assert "none of its 1 JSON files is an OCR result" in capsys.readouterr().err
