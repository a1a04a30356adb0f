"""The tiny recipe from documents to a release that predicts: the whole way in seconds."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from shutil import copytree

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from recto.confidence import FEATURES
from recto.inference import WordClassifier
from recto.release import INDEX, MODEL, parse_release
from recto_training import calibrate, console, demo, export
from recto_training import examples as ex
from recto_training.encoders.stored import WEIGHTS
from recto_training.loop import RUN, STATE, checkpoints, learning_rate
from recto_training.noise import CLEAN, is_cue, with_other_words
from recto_training.recipes import RECIPES, first, tiny
from recto_training.recipes import demo as demo_recipe
from recto_training.synthetic.agreement import ALL_SEEN, generate
from recto_training.synthetic.families import SEEN_FAMILIES
from recto_training.windows import hash_examples

LABELS = export.demo_fields().labels
OTHER = len(LABELS) - 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of a tiny run and of its release."""
    run, release = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("release")
    console.train(["tiny", "--run", str(run), "--release", str(release)])
    return run, release


def test_the_run_records_what_was_done_and_learns(trained: tuple[Path, Path]) -> None:
    record = json.loads((trained[0] / RUN).read_text())

    assert record["recipe"]["seed"] == tiny().seed
    assert len(record["data_sha256"]) == 64
    assert [row["step"] for row in record["history"]] == [4, 8, 12]
    assert record["history"][-1]["train_loss"] < record["history"][0]["train_loss"]


def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    copytree(trained[0] / demo.BEFORE, tmp_path / demo.BEFORE)
    stopped = demo.fit(tiny(), tmp_path, LABELS, until=8)
    resumed = demo.fit(tiny(), tmp_path, LABELS)

    assert (stopped.step, resumed.step) == (8, 12)
    once, twice = (load_file(str(folder / WEIGHTS)) for folder in (trained[0], tmp_path))
    assert all(torch.equal(once[name], twice[name]) for name in once)


def test_the_release_predicts_each_word_of_a_page(trained: tuple[Path, Path]) -> None:
    classifier = WordClassifier.load(trained[1])
    page = next(ex.labelled_pages(["a new one"])).page

    said = classifier.predict(page)

    assert said.number == page.number
    assert len(said.classes) == len(said.probabilities) == len(said.agreements) == len(page.words)
    assert all(0 <= probability <= 1 for probability in said.probabilities)


def test_torch_and_onnx_agree(trained: tuple[Path, Path]) -> None:
    figures = parse_release((trained[1] / INDEX).read_bytes()).figures

    assert figures["parity"]["onnx"] == figures["parity"]["shipped"] < 1e-5


def test_eight_bit_weights_stay_close_and_are_smaller(trained: tuple[Path, Path], tmp_path: Path) -> None:
    console.release_run(tiny(), trained[0], tmp_path, eight_bit=True)

    figures = parse_release((tmp_path / INDEX).read_bytes()).figures
    assert figures["parity"]["onnx"] < figures["parity"]["shipped"] < 0.05
    assert (tmp_path / MODEL).stat().st_size < (trained[1] / MODEL).stat().st_size


def test_the_exported_network_is_free_in_batch_and_length(trained: tuple[Path, Path]) -> None:
    recipe = tiny()
    network = demo.load_best(recipe, trained[0])
    model = export.to_onnx(network)
    encoder = ex.make_encoder(recipe, Tokenizer.from_file(str(trained[0] / demo.PLAIN)))
    windows = [w for page in ex.labelled_pages(["b"]) for w in encoder.encode(page.page)]

    for some in (windows[:1], windows[:5]):
        assert export.largest_difference(network, model, encoder.collate(some)) < 1e-5


def test_padding_does_not_change_what_a_window_says(trained: tuple[Path, Path]) -> None:
    network = demo.load_best(tiny(), trained[0])
    ids, boxes = torch.randint(4, 50, (1, 9)), torch.randint(0, 1000, (1, 9, 4))
    mask = torch.ones_like(ids)
    longer = [torch.nn.functional.pad(ids, (0, 4)), torch.nn.functional.pad(mask, (0, 4))]

    with torch.no_grad():
        alone = network(ids, mask, boxes)
        padded = network(*longer, torch.nn.functional.pad(boxes, (0, 0, 0, 4)))

    assert torch.allclose(alone, padded[:, :9], atol=1e-5)


def test_a_run_begins_with_the_best_network_of_the_one_before(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    before = trained[0] / demo.BEFORE
    copytree(before, tmp_path / demo.BEFORE)

    weights = demo.open_run(tiny(), tmp_path, LABELS).model.state_dict()

    best = load_file(str(before / WEIGHTS))
    assert all(torch.equal(weights[name], best[name]) for name in best)
    assert (tmp_path / demo.PLAIN).read_bytes() == (before / demo.PLAIN).read_bytes()


def test_a_finished_run_is_left_alone(trained: tuple[Path, Path]) -> None:
    written = (checkpoints(trained[0])[-1] / STATE).stat().st_mtime_ns

    demo.train(tiny(), trained[0], LABELS)

    assert (checkpoints(trained[0])[-1] / STATE).stat().st_mtime_ns == written


def test_training_never_meets_validation_evaluation_or_sample_seeds() -> None:
    met: set[str] = set()
    for recipe in (first(), demo_recipe()):
        seeds = set(ex.training_seeds(recipe))
        assert not seeds & set(ex.validation_seeds(demo_recipe()))
        assert not seeds & met
        assert all(seed.startswith(f"{recipe.seed} ") for seed in seeds)
        met |= seeds


def test_training_keeps_to_the_layouts_of_its_recipe() -> None:
    assert set(first().families) < set(demo_recipe().families) == set(SEEN_FAMILIES)
    drawn = {generate(f"among {n}", among=first().families).family for n in range(60)}
    assert drawn == set(first().families)


def test_noise_free_pages_keep_their_words_and_other_noise_changes_them() -> None:
    clean, again = (next(ex.labelled_pages(["n"], CLEAN)) for _ in range(2))
    noisy = next(ex.labelled_pages(["n"], replace(demo_recipe().noise, bad_page=1.0)))

    assert clean == again
    assert [w.text for w in noisy.page.words] != [w.text for w in clean.page.words]
    assert len(noisy.fields) == len(noisy.page.words)


def test_words_that_tell_fields_apart_survive_rewording() -> None:
    words = [word for page in generate("cues", ALL_SEEN).pages for word in page]
    levels = replace(CLEAN, reworded=1.0)

    changed = [
        (before.text, after.text)
        for seed in range(6)
        for before, after in zip(
            words, with_other_words(words, Random(seed), levels, frozenset()), strict=True
        )
        if before.text != after.text
    ]

    assert len(changed) > len(words)
    assert not [pair for pair in changed if is_cue(pair[0])]


def test_two_processes_make_the_examples_that_one_makes(trained: tuple[Path, Path]) -> None:
    recipe = tiny()
    tokenizer, plain = ((trained[0] / file).read_text() for file in (demo.TOLERANT, demo.PLAIN))

    alone, together = (ex.training_examples(replace(recipe, threads=n), tokenizer, OTHER) for n in (1, 2))

    assert hash_examples(alone) == hash_examples(together)
    blind = ex.training_examples(recipe, plain, OTHER)
    assert hash_examples(alone) != hash_examples(blind), "near misses make no difference"


def test_a_tokenizer_is_the_same_each_time() -> None:
    assert ex.make_tokenizer(tiny()).to_str() == ex.make_tokenizer(tiny()).to_str()


def test_every_recipe_is_known_by_its_name() -> None:
    assert {name: recipe().name for name, recipe in RECIPES.items()} == {n: n for n in RECIPES}


def test_a_fitted_calibration_puts_right_above_wrong() -> None:
    def features(probability: float) -> list[float]:
        return [probability if name == "min_probability" else 1.0 for name in FEATURES]

    rows = [calibrate.Row(features(p / 20), p > 9) for p in range(20)]

    fitted = calibrate.fit_calibration(rows)

    low, high = (fitted.confidence(dict(zip(FEATURES, features(p), strict=True))) for p in (0.1, 0.9))
    assert low < 0.5 < high


def test_a_calibration_needs_right_and_wrong_values() -> None:
    with pytest.raises(calibrate.CalibrationDataError, match="2 of them right: expected some right and some"):
        calibrate.fit_calibration([calibrate.Row([1.0] * len(FEATURES), is_right=True)] * 2)


def test_a_release_mixes_the_two_runs_as_the_recipe_says(trained: tuple[Path, Path]) -> None:
    mixed = demo.load_best(tiny(), trained[0]).state_dict()

    later = load_file(str(trained[0] / WEIGHTS))
    earlier = load_file(str(trained[0] / demo.BEFORE / WEIGHTS))
    assert any(not torch.equal(later[name], earlier[name]) for name in mixed)
    assert all(torch.allclose(mixed[name], (later[name] + earlier[name]) / 2) for name in mixed)


def test_the_rate_of_a_run_with_a_cool_down_stays_level_and_falls_at_the_end() -> None:
    recipe = replace(tiny(), steps=100, warm_up=10, cool_down=20, learning_rate=1.0)

    rates = [learning_rate(recipe.training(), step, recipe.steps) for step in (0, 10, 80, 90, 99)]

    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.5, 0.05])
