"""The normaliser: what its pairs say is true, what a model is asked comes back, and the rules beside it."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from recto.confidence import Evidence
from recto.errors import ConfigurationError
from recto.fields import parse_fields
from recto.geometry import Box
from recto.mentions import Mention
from recto.results import DocumentResult, FieldResult, ReviewRecord
from recto.steps.normaliser import rewrite
from recto_training.commands import normaliser as command
from recto_training.faults import DataError
from recto_training.loop import CHECKPOINTS, Run
from recto_training.normaliser import dates, evaluation, training
from recto_training.normaliser.model import Limits, Normaliser, learn_tokenizer, open_normaliser
from recto_training.normaliser.pairs import Pair, hash_pairs, read_pairs, split_pairs, write_pairs
from recto_training.normaliser.reviewed import read_reviewed
from recto_training.normaliser.serve import (
    NormaliserEndpoint,
    NormaliserSettings,
    open_endpoint,
    without_marker,
)
from recto_training.normaliser.written_dates import FORMATS, TARGETS, ordinal, ordinal_words, write
from recto_training.serve import ModelServer

# --- made-up dates ------------------------------------------------------------------------------------


def test_there_are_at_least_25_weighted_formats_to_train_on_and_others_held_out() -> None:
    trained = [one for one in FORMATS if not one.is_held_out]

    assert len(trained) >= 25
    assert all(one.weight > 0 for one in FORMATS)
    assert len({(one.template, one.language) for one in FORMATS}) == len(FORMATS)
    assert [one for one in FORMATS if one.is_held_out]


def test_days_are_written_as_people_write_them() -> None:
    assert [ordinal(day) for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "31st",
    ]  # fmt: skip
    assert [ordinal_words(day) for day in (3, 20, 23, 30, 31)] == [
        "third", "twentieth", "twenty-third", "thirtieth", "thirty-first",
    ]  # fmt: skip
    assert write("this {o} day of {M}, {y}", 2019, 5, 3) == "this 3rd day of May, 2019"
    assert write("{W}, {d}. {M} {y}", 2019, 3, 4, "de") == "Monday, 4. März 2019"


@pytest.mark.parametrize(
    ("order", "printed", "said"),
    [
        ("", "month first", "ambiguous: 2019-03-04 or 2019-04-03"),
        ("", "day first", "ambiguous: 2019-04-03 or 2019-03-04"),
        ("day first", "day first", "2019-03-04"),
    ],
)
def test_a_numeric_date_is_ambiguous_unless_the_prompt_names_the_order(
    order: str, printed: str, said: str
) -> None:
    assert dates.answer_of(2019, 3, 4, order=order, printed=printed, target="YYYY-MM-DD") == said


def test_a_day_past_the_twelfth_or_equal_to_its_month_is_not_ambiguous() -> None:
    for month, day in ((3, 14), (5, 5)):
        said = dates.answer_of(2019, month, day, order="", printed="day first", target="DD/MM/YYYY")
        assert said == f"{day:02d}/{month:02d}/2019"


def test_made_up_pairs_are_the_same_for_a_seed_and_cover_every_kind_of_answer() -> None:
    pairs = list(dates.make_pairs(3000, 7))
    answers = {pair.target.split(":")[0] for pair in pairs}

    assert hash_pairs(pairs) == hash_pairs(dates.make_pairs(3000, 7)) != hash_pairs(dates.make_pairs(3000, 8))
    assert {dates.AMBIGUOUS, dates.INVALID, dates.INCOMPLETE, dates.NONE} <= answers
    assert {target for target in TARGETS if any(f"to {target}" in pair.input for pair in pairs)} == set(
        TARGETS
    )


def test_the_rules_of_the_core_agree_with_the_truth_of_clean_dates_in_iso() -> None:
    """Two readings of one sort of text that share no code: a fault in either shows here."""
    formats = [one for one in FORMATS if one.language == "en" and not one.is_held_out]
    mixture = dates.CLEAN._replace(iso=1.0)
    pairs = [dates.make_pair(one, mixture, Random(f"{one} {n}")) for one in formats for n in range(5)]
    wrong = [
        (p, evaluation.rule_answer(p.input)) for p in pairs if evaluation.rule_answer(p.input) != p.target
    ]

    assert len(wrong) <= 0.1 * len(pairs), wrong


def test_invalid_days_exist_in_no_order() -> None:
    mixture = dates.CLEAN._replace(invalid=1.0)
    for number, written in enumerate(FORMATS):
        assert dates.make_pair(written, mixture, Random(number)).target == dates.INVALID
    with pytest.raises(ValueError, match="day"):
        date(2019, 2, 31)


def test_misreading_changes_little_and_joins_no_numbers() -> None:
    for seed in range(200):
        said = dates.misread("3 May 2019", Random(seed))
        assert abs(len(said) - 10) <= 2
    assert all("32019" not in dates.misread("1 3 2019", Random(seed)) for seed in range(200))


# --- the rules beside the model -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Convert dates to YYYY-MM-DD: this 3rd day of May, 2019", "2019-05-03"),
        ("Convert dates to Month D, YYYY, day first: 03/04/19", "April 3, 2019"),
        ("Convert dates to YYYY-MM-DD: 03/04/2019", "ambiguous: 2019-03-04 or 2019-04-03"),
        ("Convert dates to YYYY-MM-DD: 31 February 2019", "invalid"),
        ("Convert dates to YYYY-MM-DD: May 2019", "incomplete"),
        ("Convert dates to YYYY-MM-DD: see attached", "none"),
        ("Normalize Total: 12", None),
    ],
)
def test_the_rules_answer_in_the_words_of_the_model(text: str, said: str | None) -> None:
    assert evaluation.rule_answer(text) == said


def test_exact_match_ignores_case_and_white_space_and_is_told_by_group() -> None:
    pairs = [Pair("a", "May 3, 2019", "x"), Pair("b", "2019-05-03", "x"), Pair("c", "none", "y")]

    def answers(texts: Sequence[str]) -> list[str]:
        return ["may 3,2019", "2019-05-04", "none"]

    told = {score.group: score for score in evaluation.scores_of(pairs, answers)}

    assert (told["x"].model, told["y"].model, told["all"].count) == (0.5, 1.0, 3)
    assert told["x"].wrong == (("b", "2019-05-03", "2019-05-04"),)
    assert told["x"].rules is None
    assert "| x | 2 | 0.500 | – |" in evaluation.table_of(evaluation.record_of(told.values()))


def test_a_contracts_date_is_found_by_its_true_parts_without_being_read() -> None:
    text = "Effective 2001. This agreement is made this 18th\nday of April, 2001 between"

    assert evaluation.contract_date("2001-04-18", text) == "18th day of April, 2001"
    assert evaluation.contract_date("2001-05-18", text) is None


def test_receipts_dates_are_read_by_position_day_first(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    rows = ["25/12/2018", "12-01-19", "3 JAN 2018"]
    truth.write_text("".join(json.dumps({"id": d, "fields": {"date": [d]}}) + "\n" for d in rows))

    assert [pair.target for pair in evaluation.receipt_pairs(truth)] == ["2018-12-25", "2019-01-12"]


# --- pairs --------------------------------------------------------------------------------------------


def test_pairs_come_back_from_their_file_and_documents_stay_together(tmp_path: Path) -> None:
    pairs = [Pair(f"Normalize A: {n}", str(n), "A", f"doc{n % 5}") for n in range(20)]

    assert write_pairs(pairs, tmp_path / "p.jsonl") == 20
    assert read_pairs([tmp_path / "p.jsonl"]) == pairs
    kept, held_out = split_pairs(pairs, 0.2, 1)
    assert {p.document for p in kept} & {p.document for p in held_out} == set()
    assert len(held_out) == 4


def test_lines_that_are_no_pairs_are_named_with_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"input": "a", "target": "b"}\n{"input": \n{"input": "a"}\n')

    with pytest.raises(DataError) as told:
        read_pairs([tmp_path / "p.jsonl"])

    assert "p.jsonl, line 2: not JSON" in str(told.value)
    assert "p.jsonl, line 3: expected an object with the texts input and target" in str(told.value)


def test_pairs_that_are_no_text_or_no_objects_are_told(tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes('{"input": "é"}'.encode("latin-1"))
    (tmp_path / "list.jsonl").write_text("[1]\n")

    with pytest.raises(DataError) as told:
        read_pairs([tmp_path / "latin.jsonl", tmp_path / "list.jsonl"])

    assert "latin.jsonl: cannot be read as text" in str(told.value)
    assert "list.jsonl, line 1: expected a JSON object, seen a list" in str(told.value)


def line(*entities: dict[str, Any]) -> str:
    record = {
        "textract-ref": "s3://b/doc.json",
        "job": {"entities": list(entities)},
        "job-metadata": {"class-map": {"2": "Provider Name"}},
    }
    return json.dumps(record) + "\n"


def entity(status: str, raw: str, target: str | None = None) -> dict[str, Any]:
    made = {"detectionId": "0", "ocrStatus": status, "boxIxs": [0], "classId": 2, "rawText": raw}
    return made if target is None else {**made, "targetText": target}


def test_transcriptions_become_pairs_and_what_nobody_could_tell_does_not(tmp_path: Path) -> None:
    path = tmp_path / "output.manifest"
    path.write_text(line(entity("correct", "ACME"), entity("wrong", "8ank", "Bank"), entity("unclear", "?")))

    assert read_reviewed([path]) == [
        Pair("Normalize Provider Name: ACME", "ACME", "Provider Name", "s3://b/doc.json"),
        Pair("Normalize Provider Name: 8ank", "Bank", "Provider Name", "s3://b/doc.json"),
    ]


def test_a_wrong_text_without_the_right_one_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "output.manifest"
    path.write_text(line(entity("correct", "ACME")) + line(entity("wrong", "8ank")))

    with pytest.raises(DataError, match=r"output.manifest, line 2, entity 0: '8ank' was read wrong, but no"):
        read_reviewed([path])


def result(value: str, raw: str, *, reviewed: bool) -> DocumentResult:
    field = FieldResult(
        class_id=0, confidence=1.0, num_detections=0, num_detected_values=1, sort_order=0,
        value=value, raw_text=raw, reviewed=reviewed or None,
    )  # fmt: skip
    record = ReviewRecord(worker_id="w") if reviewed else None
    return DocumentResult(confidence=1.0, fields={"Provider": field}, review=record)


def test_reviewed_documents_become_pairs_of_print_and_answer(tmp_path: Path) -> None:
    folder = tmp_path / "documents" / "d1"
    (folder / "review").mkdir(parents=True)
    (folder / "fields.json").write_text(result("8ank", "8ank", reviewed=False).to_bytes().decode())
    (folder / "review" / "fields.json").write_text(result("Bank", "", reviewed=True).to_bytes().decode())

    assert read_reviewed([tmp_path]) == [Pair("Normalize Provider: 8ank", "Bank", "Provider", "documents/d1")]


def test_a_folder_in_which_nobody_reviewed_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nobody has reviewed a text here"):
        read_reviewed([tmp_path])


# --- the model ----------------------------------------------------------------------------------------


def test_the_tokenizer_gives_every_text_back_and_each_digit_is_a_piece() -> None:
    tokenizer = learn_tokenizer([pair.input for pair in dates.make_pairs(200, 1)], 400)

    for text in ("Müller & Söhne, 12.5.2019", "日本 €5\nl2/O1", "2019"):
        assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text
    assert len(tokenizer("2019").input_ids) == 5  # four digits and the end


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained for a moment."""
    place = tmp_path_factory.mktemp("normaliser")
    write_pairs(dates.make_pairs(120, 1), place / "pairs.jsonl")
    words = ["--recipe", "tiny", "--threads", "1", "--max_steps", "6", "--eval_steps", "3"]
    command.main(["train", str(place / "pairs.jsonl"), "--output_dir", str(place / "model"), *words])
    return place / "model"


def test_training_leaves_a_folder_with_its_record_and_goes_on_from_a_checkpoint(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    pairs = read_pairs([folder.parent / "pairs.jsonl"])

    assert (record["task"], record["kind"], record["steps"]) == ("normaliser", "t5", 6)
    assert set(record["best"]) >= {"eval_loss", "eval_acc", "eval_exact_match"}
    assert {"config.json", "model.safetensors", "tokenizer.json", "normaliser.json"} <= {
        path.name for path in folder.iterdir()
    }
    recipe = training.RECIPES["tiny"]()
    with pytest.raises(ConfigurationError, match="checkpoint step-0000006 was made with other"):
        training.fit(recipe, pairs[:50], pairs[50:], folder)


def test_a_trained_folder_answers_alike_in_any_batch(folder: Path) -> None:
    opened = open_normaliser(folder)
    texts = [pair.input for pair in dates.make_pairs(9, 3)]
    ids = opened.tokenizer(texts[0]).input_ids

    assert opened.tokenizer.decode(ids, skip_special_tokens=True) == texts[0]
    assert ids[-1] == opened.tokenizer.eos_token_id
    assert list(opened.answers(texts, 1)) == list(opened.answers(texts, 4))


def test_a_base_is_opened_from_a_folder_and_learns_on(folder: Path, tmp_path: Path) -> None:
    recipe = training.RECIPES["tiny"]()
    pairs = list(dates.make_pairs(40, 5))
    made = training.open_recipe(
        training.NormaliserRecipe(model_name_or_path=str(folder), max_source_length=64), pairs
    )

    assert made.limits.source == 64
    assert recipe.model_name_or_path == ""
    assert made.network.config.model_type == "t5"


def test_a_base_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')

    with pytest.raises(ConfigurationError, match="does not open as a sequence-to-sequence model"):
        training.open_recipe(training.NormaliserRecipe(model_name_or_path=str(tmp_path)), [])


def test_pairs_longer_than_the_limits_are_left_out_and_none_left_is_refused(tmp_path: Path) -> None:
    pairs = list(dates.make_pairs(20, 1))
    with pytest.raises(DataError, match="none within 3 tokens of input"):
        training.fit(training.NormaliserRecipe(max_source_length=3), pairs, [], tmp_path)


# --- serving ------------------------------------------------------------------------------------------


class Fixed:
    """A model that says what a table says."""

    limits = Limits()

    def __init__(self, **said: str) -> None:
        self.said, self.asked = said, list[str]()

    def answers(self, texts: Sequence[str], batch_size: int = 4) -> list[str]:
        self.asked += texts
        return [self.said[text] for text in texts]


def client(model: Any, **settings: Any) -> TestClient:
    return TestClient(ModelServer(NormaliserEndpoint(model, NormaliserSettings(**settings))).app())


def test_one_text_and_lists_are_answered_in_kind_and_equal_texts_are_asked_once() -> None:
    model = Fixed(a="2019-05-03", b="2020-01-01")
    web = client(model)

    assert web.post("/invocations", json={"inputs": "a"}).json() == {"generated_text": "2019-05-03"}
    said = web.post("/invocations", json={"inputs": ["b", "a", "b"]}).json()
    assert said == {"generated_text": ["2020-01-01", "2019-05-03", "2020-01-01"]}
    assert model.asked == ["a", "b", "a"]
    assert web.get("/ping").json()["kind"] == "normaliser"


def test_what_is_no_single_date_is_an_empty_text_unless_markers_are_kept() -> None:
    said = {"a": "ambiguous: 2019-03-04 or 2019-04-03", "b": "invalid", "c": "none", "d": "incomplete"}

    emptied = client(Fixed(**said)).post("/invocations", json={"inputs": list(said)}).json()
    kept = client(Fixed(**said), normaliser_markers="keep").post("/invocations", json={"inputs": list(said)})
    assert emptied == {"generated_text": ["", "", "", ""]}
    assert kept.json() == {"generated_text": list(said.values())}
    assert without_marker("Invalid Ltd.") == "Invalid Ltd."


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b"{", 400, "InvalidRequestError"),
        (b'{"texts": ["a"]}', 400, "InvalidRequestError"),
        (b'{"inputs": [1]}', 400, "InvalidRequestError"),
        (b'{"inputs": ["a", "b", "c"]}', 413, "TooManyInputsError"),
        (b'{"inputs": ["aaaaaaaaaaa"]}', 413, "InputTooLongError"),
        (b"", 400, "InvalidRequestError"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(body: bytes, status: int, name: str) -> None:
    answer = client(Fixed(), max_inputs=2, max_input_characters=10).post("/invocations", content=body)

    assert (answer.status_code, answer.json()["Error"]) == (status, name)


def test_a_text_that_the_model_would_see_in_part_has_no_answer(folder: Path) -> None:
    opened: Normaliser = open_normaliser(folder)
    short = opened._replace(limits=Limits(10, 8))

    assert list(short.answers(["x " * 40])) == [""]


def test_a_folder_without_a_normaliser_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"holds no normaliser\.json"):
        open_endpoint(tmp_path, {})


def test_a_trained_model_answers_over_http_and_through_the_pipelines_own_request(folder: Path) -> None:
    web = TestClient(ModelServer(open_endpoint(folder, {"INFERENCE_BATCH_SIZE": "2"})).app())

    answer = web.post("/invocations", json={"inputs": ["Convert dates to YYYY-MM-DD: May 3, 2019"] * 3})

    assert answer.status_code == 200
    assert len(answer.json()["generated_text"]) == 3


def test_a_field_of_the_pipeline_is_rewritten_by_the_endpoint_and_keeps_the_print_where_it_says_none() -> (
    None
):
    """The pipeline's own step asks the endpoint's own server; only SageMaker between them is missing."""
    prompt = "Convert dates to YYYY-MM-DD: "
    asked = {"NormalizerEndpoint": "recto-dates", "NormalizerPrompt": prompt, "Type": "date"}
    fields = parse_fields([{"ClassId": 0, "Name": "From", **asked}])
    web = client(
        Fixed(**{f"{prompt}3rd of Mav 2019": "2019-05-03", f"{prompt}03/04/2019": "ambiguous: 1 or 2"})
    )

    class Endpoints:
        def ask(self, name: str, body: bytes) -> bytes:
            assert name == "recto-dates"
            return web.post("/invocations", content=body).content

    evidence, box = Evidence.of_words([0.9], [0.9], []), Box(0.1, 0.1, 0.2, 0.2)
    found = [
        Mention(0, "From", 1, (0,), ("id",), box, (box,), text, evidence)
        for text in ("3rd of Mav 2019", "03/04/2019")
    ]
    told = rewrite(found, fields, Endpoints())

    assert [(m.text, m.raw_text) for m in told.mentions] == [
        ("2019-05-03", "3rd of Mav 2019"),
        ("03/04/2019", None),
    ]
    assert told.failed == ()


def test_a_job_trains_and_validates_on_its_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("train", 8), ("validation", 3)):
        (tmp_path / name).mkdir()
        write_pairs(dates.make_pairs(count, name), tmp_path / name / "pairs.jsonl")
        monkeypatch.setenv(f"SM_CHANNEL_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("SM_MODEL_DIR", str(tmp_path / "model"))
    monkeypatch.setenv("SM_HPS", json.dumps({"recipe": "tiny", "output_dir": str(tmp_path / "model")}))
    seen: list[int] = []

    def fit(_: object, kept: Sequence[Pair], held_out: Sequence[Pair], folder: Path) -> Run:
        seen.extend([len(kept), len(held_out)])
        return Run(folder, 0, {}, [], False)

    monkeypatch.setattr(training, "fit", fit)

    assert command.main(["train"]) == 0
    assert seen == [8, 3]


def test_a_normaliser_begins_anew_where_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, pairs = tmp_path / "run", tmp_path / "pairs.jsonl"
    write_pairs(dates.make_pairs(8, "anew"), pairs)
    monkeypatch.setattr(training, "fit", lambda *_: Run(run, 0, {}, [], False))
    typed = ["train", str(pairs), "--recipe", "tiny", "--output_dir", str(run), "--overwrite_output_dir"]

    for said, left in (("false", True), ("true", False)):
        (run / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        assert command.main([*typed, said]) == 0
        assert (run / CHECKPOINTS).exists() is left


def test_evaluation_of_the_rules_needs_no_model_and_is_printed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "report.json"

    assert command.main(["evaluate", "rules", "--count", "20", "--output", str(told)]) == 0
    first = capsys.readouterr().out
    assert command.main(["report", str(told)]) == 0
    assert capsys.readouterr().out == first
    assert "formats unseen" in first
