"""The one loop on labelled documents: runs, resumes, stops early, keeps the best, in one process and two."""

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from recto.errors import ConfigurationError
from recto.fields import parse_fields
from recto_training import fit, loop
from recto_training import windows as win
from recto_training.commands.train import FIGURES
from recto_training.corpus import IGNORED, LabelledDocument, ListCorpus
from recto_training.encoders.stored import LABELS, MODEL_FILES, WEIGHTS
from recto_training.hardware import Hardware, find_hardware
from recto_training.images import PageImages
from recto_training.models import load_model
from recto_training.run_settings import OtherSettingsError, check_settings, deciding
from recto_training.word_recipes import WORD_RECIPES, WordRecipe, tiny
from recto_training.words import HeldOut, WordTask
from tests.training.tiny_corpus import LABELS as NAMES
from tests.training.tiny_corpus import corpus

STEPS = 8


def short(**changes: object) -> WordRecipe:
    """Eight steps, evaluated after every second."""
    settings = {
        "max_steps": STEPS,
        "eval_strategy": "steps",
        "eval_steps": 2,
        "hidden_words": 0.2,
        "ema_decay": 0.9,
    }
    return replace(tiny(), **(settings | changes))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    fit.fit(short(), corpus(12), corpus(4, seed=1), folder)
    return folder


def test_a_long_run_says_early_how_long_it_will_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loop, "LEAST_HINT", 0.0)

    fit.fit(short(eval_steps=100), corpus(4), corpus(4, seed=1), tmp_path)

    before, hint, _ = capsys.readouterr().out.partition(f"{STEPS} steps; at this pace about 0 minutes\n")
    assert hint
    assert "step=" not in before


def task() -> WordTask:
    """What `trained` learnt, before any step."""
    data, recipe = corpus(12), short()
    base = fit.open_recipe(recipe, NAMES, data)
    examples = list(win.make_examples(data, base.pages))
    return WordTask(base, recipe, examples, HeldOut([], base), PageImages())


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(str(folder / WEIGHTS))


def same(one: Path, other: Path) -> bool:
    """Whether two runs ended with the same bits."""
    a, b = weights(one), weights(other)
    return all(torch.equal(a[name], b[name]) for name in a.keys() | b.keys())


def test_a_run_leaves_a_model_folder_with_its_record(trained: Path) -> None:
    record = json.loads((trained / loop.RUN).read_text())

    assert all((trained / name).is_file() for name in MODEL_FILES)
    assert json.loads((trained / LABELS).read_text()) == list(NAMES)
    assert [row["step"] for row in record["history"]] == [2, 4, 6, 8]
    assert record["seed"] == tiny().seed
    assert len(record["data_sha256"]) == 64
    assert record["packages"]["recto_training"].startswith("sha256:")
    assert {"eval_acc", "eval_focus_acc", "eval_focus_else_acc_minus_one", "eval_entity_f1"} < set(
        record["best"]
    )


def test_a_record_names_no_path(tmp_path: Path, trained: Path) -> None:
    recipe = short(max_steps=2, model_name_or_path=str(trained), max_seq_length=64, stride=16)
    fit.fit(recipe, corpus(12), corpus(4, seed=1), tmp_path)

    text = (tmp_path / loop.RUN).read_text()

    assert str(trained.parent) not in text
    assert json.loads(text)["recipe"]["model_name_or_path"] == trained.name


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path: Path, trained: Path) -> None:
    for name, seed in (("again", tiny().seed), ("other", 7)):
        fit.fit(short(seed=seed), corpus(12), corpus(4, seed=1), tmp_path / name)

    assert same(trained, tmp_path / "again")
    assert not same(trained, tmp_path / "other")


@pytest.mark.parametrize("stop", [2, 6])
def test_a_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(
    tmp_path: Path, trained: Path, stop: int
) -> None:
    stopped = fit.fit(short(), corpus(12), corpus(4, seed=1), tmp_path, until=stop)
    resumed = fit.fit(short(), corpus(12), corpus(4, seed=1), tmp_path)

    assert (stopped.step, resumed.step) == (stop, STEPS)
    assert same(trained, tmp_path)
    history = [json.loads((folder / loop.RUN).read_text())["history"] for folder in (trained, tmp_path)]
    for once, twice in zip(*history, strict=True):
        assert {**once, "seconds": 0} == {**twice, "seconds": 0}


def test_a_run_without_a_seed_resumes_with_the_one_it_drew(tmp_path: Path) -> None:
    fit.fit(short(seed=None), corpus(12), corpus(4, seed=1), tmp_path, until=2)
    drawn = json.loads((tmp_path / loop.RUN).read_text())["seed"]

    fit.fit(short(seed=None), corpus(12), corpus(4, seed=1), tmp_path)

    assert json.loads((tmp_path / loop.RUN).read_text())["seed"] == drawn


def test_old_checkpoints_go_and_the_last_stay(trained: Path) -> None:
    kept = [path.name for path in loop.checkpoints(trained)]

    assert kept == ["step-0000006", "step-0000008"]


def test_training_stops_when_nothing_improves(tmp_path: Path) -> None:
    recipe = short(max_steps=40, early_stopping_patience=2, early_stopping_threshold=10.0)

    run = fit.fit(recipe, corpus(12), corpus(4, seed=1), tmp_path)

    assert run.stopped_early
    assert run.step == 6, "the first evaluation is the best, two more are waited for"
    assert run.best["step"] == 2
    again = fit.fit(recipe, corpus(12), corpus(4, seed=1), tmp_path)
    assert again.step == 6, "a run that stopped is finished"


def test_the_folder_holds_the_best_evaluation_not_the_last(tmp_path: Path) -> None:
    recipe = short(max_steps=8, metric_for_best_model="eval_loss", greater_is_better=True, ema_decay=0.0)
    run = fit.fit(recipe, corpus(12), corpus(4, seed=1), tmp_path)
    worst = max(run.history, key=lambda row: row["eval_loss"])

    assert run.best == worst
    assert run.best["step"] < 8
    fit.fit(recipe, corpus(12), corpus(4, seed=1), tmp_path / "b", until=int(run.best["step"]))
    assert same(tmp_path, tmp_path / "b")


def test_what_may_be_chosen_by_is_what_an_evaluation_gives(trained: Path) -> None:
    best = json.loads((trained / loop.RUN).read_text())["best"]

    assert {name for name in best if name.startswith("eval_")} == {f"eval_{name}" for name in FIGURES}


def test_a_metric_that_nobody_measures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"metric_for_best_model eval_beauty: expected eval_acc"):
        fit.fit(short(metric_for_best_model="eval_beauty"), corpus(12), corpus(4, seed=1), tmp_path)


def test_two_small_batches_teach_what_one_large_does(tmp_path: Path) -> None:
    plain = {
        "hidden_words": 0.0,
        "moved_pages": 0.0,
        "dropout": 0.0,
        "group_by_length": False,
        "ema_decay": 0.0,
    }
    one_page = ListCorpus([LabelledDocument(d.id, d.pages[:1]) for d in corpus(8)], NAMES)
    together = short(
        **plain, max_steps=1, eval_steps=1, per_device_train_batch_size=8, label_smoothing_factor=0.0
    )
    apart = replace(together, per_device_train_batch_size=4, gradient_accumulation_steps=2)

    first, second = (
        fit.fit(recipe, one_page, corpus(4, seed=1), tmp_path / name).history[0]["train_loss"]
        for name, recipe in (("together", together), ("apart", apart))
    )

    assert first == pytest.approx(second, rel=0.05)


def test_figures_by_field_come_with_a_field_list(tmp_path: Path) -> None:
    fields = parse_fields(
        [{"ClassId": 0, "Name": "name", "Select": "first"}, {"ClassId": 1, "Name": "total", "Select": "last"}]
    )

    run = fit.fit(short(max_steps=2), corpus(12), corpus(4, seed=1), tmp_path, fields=fields)

    assert 0 <= run.best["eval_field_f1"] <= 1


def test_a_model_learns_what_there_is_to_learn(tmp_path: Path) -> None:
    recipe = replace(tiny(), num_train_epochs=12, learning_rate=5e-3, metric_for_best_model="eval_entity_f1")

    run = fit.fit(recipe, corpus(24), corpus(6, seed=1), tmp_path)

    assert run.best["eval_entity_f1"] > 0.9
    page = next(iter(corpus(1, seed=2))).pages[0]
    said = load_model(tmp_path, half=False).predict(page.page)
    assert said.classes == page.classes


def test_without_validation_the_last_model_is_kept(tmp_path: Path) -> None:
    run = fit.fit(short(), corpus(12), ListCorpus((), NAMES), tmp_path)

    assert run.best["step"] == STEPS
    assert (tmp_path / WEIGHTS).is_file()


# --- data and checkpoints that do not fit ---------------------------------------------------------------


@pytest.mark.parametrize("documents", [(), (LabelledDocument("empty", ()),)])
def test_an_empty_training_set_is_told(tmp_path: Path, documents: tuple[LabelledDocument, ...]) -> None:
    with pytest.raises(ConfigurationError, match="the training set is empty"):
        fit.fit(short(), ListCorpus(documents, NAMES), corpus(4), tmp_path)


def test_one_class_only_is_told(tmp_path: Path) -> None:
    alike = [
        LabelledDocument(d.id, tuple(p._replace(classes=(2,) * len(p.classes)) for p in d.pages))
        for d in corpus(4)
    ]

    with pytest.raises(ConfigurationError, match=r"one class only: every labelled word .* is 'other'"):
        fit.fit(short(), ListCorpus(alike, NAMES), corpus(4), tmp_path)


def test_validation_of_other_labels_is_told(tmp_path: Path) -> None:
    others = ListCorpus(corpus(2).documents, ("total", "name", "other"))

    with pytest.raises(ConfigurationError, match="validation data has the labels total, name, other"):
        fit.fit(short(), corpus(12), others, tmp_path)


def test_a_checkpoint_of_another_label_set_is_told(tmp_path: Path) -> None:
    fit.fit(short(), corpus(12), corpus(4, seed=1), tmp_path, until=2)
    renamed = ("vendor", "total", "other")

    with pytest.raises(ConfigurationError, match="checkpoint step-0000002 was made with other labels"):
        fit.fit(short(), ListCorpus(corpus(12).documents, renamed), ListCorpus((), renamed), tmp_path)


def test_a_checkpoint_of_other_data_is_told(tmp_path: Path) -> None:
    fit.fit(short(), corpus(12), corpus(4, seed=1), tmp_path, until=2)

    with pytest.raises(ConfigurationError, match=r"other (network|training data).*overwrite_output_dir"):
        fit.fit(short(), corpus(11), corpus(4, seed=1), tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"learning_rate": 0.01}, "learning_rate 0.0015 -> 0.01"),
        ({"max_steps": STEPS + 2, "seed": 7}, f"max_steps {STEPS} -> {STEPS + 2}, seed 1337 -> 7"),
        ({"model_name_or_path": "/elsewhere/minilm"}, "model_name_or_path  -> minilm"),
    ],
)
def test_a_run_of_other_settings_is_neither_resumed_nor_taken_for_this_one(
    trained: Path, changes: dict[str, object], told: str
) -> None:
    with find_hardware() as hardware:
        opened = loop.Loop(task(), replace(short(), **changes), trained, hardware)

        with pytest.raises(OtherSettingsError, match=re.escape(f"other settings: {told}. ")) as raised:
            opened.resume()

    assert "--overwrite_output_dir true to begin anew" in str(raised.value)


def test_settings_that_decide_nothing_may_be_others_when_a_run_goes_on(trained: Path) -> None:
    free = {"threads": 2, "logging_steps": 3, "save_total_limit": 5, "cache_dir": "x", "name": "mine"}

    with find_hardware() as hardware:
        opened = loop.Loop(task(), replace(short(), **free), trained, hardware)
        opened.resume()

    assert opened.step == STEPS


def test_a_base_counts_by_its_name_wherever_it_lies() -> None:
    here, there = (short(model_name_or_path=place).as_dict() for place in ("a/minilm", "/b/minilm/"))

    assert deciding(here) == deciding(there)


def test_a_setting_that_an_older_checkpoint_does_not_know_is_not_compared() -> None:
    check_settings({"seed": 1, "retired": 2}, {"seed": 1, "new": 3}, "step-1")


def test_windows_without_any_label_are_not_trained_on_and_end_no_run(tmp_path: Path) -> None:
    unknown = [
        LabelledDocument(
            f"unknown {document.id}",
            tuple(page._replace(classes=(IGNORED,) * len(page.classes)) for page in document.pages),
        )
        for document in corpus(6)
    ]
    mixed = ListCorpus([*corpus(4), *unknown], NAMES)

    run = fit.fit(short(per_device_train_batch_size=1), mixed, corpus(2, seed=1), tmp_path)

    assert run.step == STEPS
    assert json.loads((tmp_path / loop.RUN).read_text())["examples"] == 2 * 4, "a window a page with words"


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    recipe = short(learning_rate=1e30, max_grad_norm=1e30, warmup_ratio=0.0, ema_decay=0.0)

    with pytest.raises(ConfigurationError, match=r"the loss is nan.*lower learning_rate"):
        fit.fit(recipe, corpus(12), ListCorpus((), NAMES), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"eval_strategy": "steps", "eval_steps": 0}, "needs eval_steps"),
        ({"lr_scheduler_type": "wavy"}, "expected linear, cosine"),
        ({"per_device_train_batch_size": 0}, "per_device_train_batch_size 0: expected 1 or more"),
        ({"stride": 64}, "stride 64: expected 0 up to"),
    ],
)
def test_settings_that_cannot_be_are_told(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(tiny(), **changes)


def test_every_recipe_is_known_by_its_name() -> None:
    assert {name: recipe().name for name, recipe in WORD_RECIPES.items()} == {n: n for n in WORD_RECIPES}


# --- rates ------------------------------------------------------------------------------------------------


def test_rates_rise_in_a_line_and_fall_as_the_schedule_has_it() -> None:
    plain = replace(tiny(), learning_rate=1.0, warmup_steps=10, cool_down_steps=20, min_lr_ratio=0.1)

    rates = {
        kind: [
            loop.learning_rate(replace(plain, lr_scheduler_type=kind), step, 110) for step in (0, 10, 60, 109)
        ]
        for kind in loop.SCHEDULES
    }

    assert rates["linear"] == pytest.approx([0.1, 1.0, 0.5, 0.01])
    assert rates["cosine"] == pytest.approx([0.1, 1.0, 0.55, 0.1], abs=1e-3)
    assert rates["constant"] == pytest.approx([0.1, 1.0, 1.0, 1.0])
    assert rates["warmup_stable_decay"] == pytest.approx([0.1, 1.0, 1.0, 0.05])


# --- two processes ----------------------------------------------------------------------------------------

TWO = """
import sys
from pathlib import Path
from tests.training.test_fit_words import short
from tests.training.tiny_corpus import corpus
from recto_training import fit
run = fit.fit(short(), corpus(12), corpus(4, seed=1), Path(sys.argv[1]), until=int(sys.argv[2]))
print("ended at", run.step)
"""


def run_two(*folders: Path, until: int, code: int = 0) -> list[str]:
    """Two processes of one run, as torchrun starts them, each with its folder; what each printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = Path(__file__).parents[2]
    common = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TWO, str(folder), str(until)],
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank, folder in enumerate(folders)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [code, code], said
    return said


def test_two_processes_share_the_batches_and_one_writes(tmp_path: Path) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    first, second = run_two(once, once, until=STEPS)
    run_two(twice, twice, until=4)
    run_two(twice, twice, until=STEPS)

    record = json.loads((tmp_path / "once" / loop.RUN).read_text())
    assert record["hardware"]["processes"] == 2
    assert "eval_loss=" in first
    assert "eval_loss=" not in second
    assert same(tmp_path / "once", tmp_path / "twice"), "resumed in two processes"


def test_processes_that_do_not_see_the_first_one_s_checkpoint_end_together(
    trained: Path, tmp_path: Path
) -> None:
    said = run_two(trained, tmp_path, until=STEPS, code=1)

    for text, lacks in zip(said, ("another process", "process 1"), strict=True):
        assert f"CheckpointMissingError: the first process goes on from step-0000008, which {lacks} " in text


class Second(Hardware):
    """The second of two processes; the first one says step 6, though 8 is there as well."""

    def agree(self, value: object) -> object:
        return "step-0000006"

    def all_say(self, yes: bool) -> bool:
        return yes


def test_the_first_process_decides_from_which_checkpoint_all_go_on(trained: Path) -> None:
    opened = loop.Loop(task(), short(), trained, Second(torch.device("cpu"), half=False, rank=1))

    opened.resume()

    assert opened.step == 6


def test_moved_copies_are_trained_on_and_repeat(tmp_path: Path) -> None:
    hashes = []
    for name, copies in (("plain", 0), ("copies", 2), ("again", 2)):
        fit.fit(short(max_steps=1, moved_copies=copies), corpus(6), corpus(2, seed=1), tmp_path / name)
        hashes.append(json.loads((tmp_path / name / loop.RUN).read_text())["data_sha256"])

    assert hashes[0] != hashes[1] == hashes[2]
