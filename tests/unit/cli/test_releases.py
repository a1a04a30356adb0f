"""`recto release` and `recto fields` as a user types them, against a deployed stack."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from recto.errors import ConfigurationError, FieldConfigurationError, ParameterMissingError, ReleaseError
from recto.fields import parse_fields
from recto.messages import ParameterChange, Status
from recto.release import FIELDS, INDEX, MODEL, TOKENIZER, dump_release, hash_files, parse_release
from recto.steps.follow_parameter import REFUSAL, FollowParameter, follow_parameter
from recto.steps.make_release import publish_release, use_release
from recto_cli import dry_run, fields, releases
from recto_cli.main import app
from recto_cli.releases import maker_of, require_still_used, used_release
from recto_cli.stack import Stack, read_stack
from tests.contract.template import ROOT
from tests.fakes import FakeEndpoints, FakeEvents
from tests.unit.cli.conftest import ID, PROJECT
from tests.unit.cli.test_documents import add
from tests.unit.releases import ENTRIES, changed, contents

DEMO = ROOT / "local" / "releases" / "demo"
runner = CliRunner()


@pytest.fixture(autouse=True)
def no_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The demo release, to be changed."""
    return Path(shutil.copytree(DEMO, tmp_path / "demo"))


@pytest.fixture
def small(stack: Stack) -> str:
    """A small release in use, with a model that nobody opens."""
    prefix = publish_release(contents(), stack.objects, stack.work)
    use_release(prefix, maker_of(stack).parameters, f"/{PROJECT}/config/Release")
    return prefix


def invoke(*arguments: str | Path) -> Result:
    return runner.invoke(app, ["--project", PROJECT, *map(str, arguments)])


def error_of(result: Result, kind: type[Exception]) -> str:
    assert result.exit_code == 1
    assert type(result.exception) is kind, result.exception
    return str(result.exception)


def uploaded(stack: Stack) -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=stack.work).get("Contents", [])
    return [entry["Key"] for entry in found]


def rewritten(folder: Path, files: dict[str, bytes], **index: Any) -> Path:
    """The release in a folder with some files replaced, its index saying so."""
    for name, body in files.items():
        (folder / name).write_bytes(body)
    release = parse_release((folder / INDEX).read_bytes())
    hashes = {**release.files, **hash_files(files)}
    (folder / INDEX).write_bytes(dump_release(release.model_copy(update={**index, "files": hashes})))
    return folder


def write_list(path: Path, entries: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(entries))
    return path


# --- releases -----------------------------------------------------------------------------------------


def test_a_release_for_an_endpoint_has_no_model_and_is_checked_by_describing_it(
    stack: Stack, small: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    topic = stack.name("static/ModelCallbackTopicArn")
    there = FakeEndpoints(stack.work, topic, "model-endpoint")
    monkeypatch.setattr(releases, "SageMakerEndpoints", lambda caller: there)
    fields = write_list(tmp_path / "fields.json", [*ENTRIES, {"ClassId": 3, "Name": "New"}])
    name = f"{PROJECT}-words"

    made = invoke("release", "make", "--endpoint", name, "--fields", fields, "--name", "away", "--use")
    shown = invoke("release", "show")
    there.info = there.info._replace(is_async=False)
    refused = invoke("release", "make", "--endpoint", name, "--name", "other")
    listed = invoke("release", "list")

    release = releases.read_index(used_release(stack), stack)
    assert made.exit_code == 0, made.exception
    assert (release.endpoint, len(release.labels), MODEL in release.files) == (name, 5, False)
    assert f"model: SageMaker endpoint {name}" in shown.stdout
    assert f"config/SageMakerEndpointName: it says undefined, in use is {name}" in listed.stdout
    assert "expected an asynchronous one" in error_of(refused, ConfigurationError)


def test_a_release_is_made_of_a_folder_listed_shown_and_put_in_use(stack: Stack) -> None:
    made = invoke("release", "make", "--from", DEMO)
    used = invoke("release", "use", "demo")
    add(stack, ID, "a.pdf", status=Status.RUNNING, release=used_release(stack))

    listed, shown = invoke("release", "list"), invoke("release", "show")

    assert made.exit_code == used.exit_code == 0, (made.exception, used.exception)
    evaluation = json.loads((DEMO / "release.json").read_text())["figures"]["evaluation"]
    figure = f"entity F1 {evaluation['test']['entities']['f1']:.2f} (test)"
    (line,) = [line for line in listed.stdout.splitlines() if line.startswith("*")]
    assert "demo-" in line
    assert all(part in line for part in (" 19 ", figure, " 1"))
    assert "before: demo; back with: recto release use --previous" in used.stdout
    assert "Provider Name" in shown.stdout
    assert shown.stdout.count("sha256") == 5


def test_other_thresholds_and_another_name_make_another_release_of_the_one_in_use(
    stack: Stack, tmp_path: Path
) -> None:
    invoke("release", "make", "--from", DEMO, "--use")
    first = used_release(stack)

    made = invoke(
        "release", "make", "--threshold", "0.6", "--threshold", "Card Name=0.99", "--name", "strict", "--use"
    )

    second = releases.contents_of(used_release(stack), stack)
    assert made.exit_code == 0, made.exception
    assert (second.release.name, second.release.made_from) == ("strict", first)
    assert (second.thresholds.default, second.thresholds.fields) == (0.6, {"Card Name": 0.99})
    assert {first, used_release(stack)} <= {each.prefix for each in releases.known_releases(stack)}


@pytest.mark.parametrize(
    ("typed", "said"),
    [("1.5", "from 0 to 1"), ("Card Name=x", "from 0 to 1"), ("Crad Name=0.5", "did you mean")],
)
def test_a_threshold_that_is_none_is_refused_before_anything_is_uploaded(
    stack: Stack, typed: str, said: str
) -> None:
    result = invoke("release", "make", "--from", DEMO, "--threshold", typed)

    assert said in error_of(result, ReleaseError)
    assert uploaded(stack) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({MODEL: b"not a model"}, "not a model that onnxruntime opens"),
        ({TOKENIZER: b"{}"}, "tokenizer.json .2 bytes. is not a file that tokenizers opens"),
    ],
)
def test_a_model_or_tokenizer_that_does_not_open_is_refused_before_anything_is_uploaded(
    stack: Stack, demo: Path, files: dict[str, bytes], said: str
) -> None:
    result = invoke("release", "make", "--from", rewritten(demo, files))

    assert said.replace(".2 bytes.", "(2 bytes)") in error_of(result, ReleaseError)
    assert uploaded(stack) == []


def test_a_model_whose_classes_are_not_the_labels_is_refused_by_the_dry_run(stack: Stack, demo: Path) -> None:
    body = json.dumps(ENTRIES).encode()
    folder = rewritten(demo, {FIELDS: body}, labels=parse_fields(body).labels)

    result = invoke("release", "make", "--from", folder)

    assert error_of(result, ReleaseError).endswith("the model has 20 classes, expected 4 labels")
    assert uploaded(stack) == []


def test_fields_of_another_model_are_refused_before_anything_is_uploaded(
    stack: Stack, tmp_path: Path
) -> None:
    file = write_list(tmp_path / "fields.json", ENTRIES)

    result = invoke("release", "make", "--from", DEMO, "--fields", file)

    assert "the model has 20 classes (19 fields and 'other')" in error_of(result, ReleaseError)
    assert uploaded(stack) == []


def test_a_bare_model_takes_its_labels_from_the_fields_it_comes_with_and_loses_the_figures(
    stack: Stack, tmp_path: Path
) -> None:
    result = invoke("release", "make", "--from", DEMO, "--model", DEMO / MODEL, "--use")

    assert result.exit_code == 0, result.exception
    assert releases.read_index(used_release(stack), stack).figures == {}


def test_a_model_that_kills_its_process_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killer = tmp_path / "python"
    killer.write_text("#!/bin/sh\necho corrupted size >&2\nkill -9 $$\n")
    killer.chmod(0o755)
    monkeypatch.setattr(dry_run.sys, "executable", str(killer))

    with pytest.raises(ReleaseError, match="ended with code -9; it said: corrupted size"):
        dry_run.run_apart(tmp_path)


def test_a_folder_without_an_index_is_refused(stack: Stack, tmp_path: Path) -> None:
    assert "seen no release.json" in error_of(invoke("release", "make", "--from", tmp_path), ReleaseError)


def test_one_goes_back_to_the_release_before_and_forth_again(stack: Stack) -> None:
    invoke("release", "make", "--from", DEMO, "--use")
    first = used_release(stack)
    invoke("release", "make", "--name", "second", "--use")
    second = used_release(stack)

    back = invoke("release", "use", "--previous")
    after_back = used_release(stack)
    forth = invoke("release", "use", "--previous")

    assert (back.exit_code, forth.exit_code) == (0, 0)
    assert (after_back, used_release(stack)) == (first, second)


def test_a_release_that_is_not_there_or_not_whole_is_not_used(stack: Stack, small: str) -> None:
    boto3.client("s3").put_object(Bucket=stack.work, Key="releases/half-made/model.onnx", Body=b"m")
    boto3.client("s3").put_object(Bucket=stack.work, Key=f"{small}/{MODEL}", Body=b"altered")

    unknown, half, altered = (invoke("release", "use", name) for name in ("nope", "half-made", "small"))

    assert "no release is called 'nope'; there is half-made, small-" in error_of(unknown, ReleaseError)
    assert "release.json is missing" in error_of(half, ReleaseError)
    assert "model.onnx (7 bytes) has sha256" in error_of(altered, ReleaseError)
    assert used_release(stack) == small


def test_two_releases_of_one_name_are_told_apart(stack: Stack, small: str) -> None:
    other = publish_release(contents(seed=8), stack.objects, stack.work)

    assert "several releases are called 'small'" in error_of(invoke("release", "use", "small"), ReleaseError)
    assert releases.find_prefix(other.removeprefix("releases/")[:-3], stack) == other


def test_a_name_and_previous_at_once_are_refused(stack: Stack) -> None:
    assert invoke("release", "use", "demo", "--previous").exit_code == 2
    assert invoke("release", "use").exit_code == 2


def test_the_list_tells_of_what_is_broken_and_of_what_was_refused(stack: Stack, small: str) -> None:
    boto3.client("s3").put_object(Bucket=stack.work, Key="releases/half-made/model.onnx", Body=b"m")
    refusal = {"Parameter": "/p", "Error": "FieldConfigurationError", "Cause": "no JSON", "Release": small}
    for minutes in (-5, 5):
        told = {**refusal, "Time": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()}
        stack.objects.write(releases.Location(bucket=stack.work, key=REFUSAL), json.dumps(told).encode())

        listed = invoke("release", "list").stdout

        assert ("refused:" in listed) is (minutes > 0), "only what is newer than the naming"
    assert "half-made: release releases/half-made: release.json is missing" in listed
    assert "FieldConfigurationError: no JSON" in listed


# --- field lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", fields.EXAMPLES)
def test_a_list_to_begin_with_is_valid_and_never_overwrites(
    stack: Stack, tmp_path: Path, example: str
) -> None:
    file = tmp_path / "fields.json"

    begun = invoke("fields", "init", file, "--example", example)
    again = invoke("fields", "init", file)

    assert begun.exit_code == 0
    assert invoke("fields", "check", file, "--alone").exit_code == 0
    assert again.exit_code == 1
    assert "there already" in again.stderr


def test_all_faults_of_a_list_are_told_at_once(stack: Stack, tmp_path: Path) -> None:
    entries = changed(Total={"Optinal": True}, Date={"ClassId": 0}, Header={"Select": "best"})

    checked = invoke("fields", "check", write_list(tmp_path / "fields.json", entries))

    assert checked.exit_code == 1
    assert "'Total': unknown key 'Optinal', did you mean 'Optional'?" in checked.stderr
    assert "'Header': Select" in checked.stderr
    assert "ClassId used more than once: 0" in checked.stderr
    assert "has 4 faults" in checked.stderr or "has 3 faults" in checked.stderr


def test_a_check_tells_what_would_change_and_that_the_model_fits(
    stack: Stack, small: str, tmp_path: Path
) -> None:
    entries = changed(Total={"Name": "Amount", "ReviewThreshold": 0.9})

    checked = invoke("fields", "check", write_list(tmp_path / "fields.json", entries))

    assert checked.exit_code == 0
    assert "renamed: class 0 from 'Total' to 'Amount'" in checked.stdout
    assert "threshold by hand: Amount: 0.9" in checked.stdout
    assert "fits the model of small-" in checked.stdout
    assert used_release(stack) == small


def test_a_check_tells_that_the_model_does_not_fit(stack: Stack, small: str, tmp_path: Path) -> None:
    checked = invoke("fields", "check", write_list(tmp_path / "fields.json", ENTRIES[:2]))

    assert checked.exit_code == 1
    assert "removed: class 2 'Header'" in checked.stdout
    assert "does not fit the model in use: the model has 4 classes" in checked.stderr


def test_a_check_without_a_release_in_use_says_so(stack: Stack, tmp_path: Path) -> None:
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/config/Release", Value="undefined", Overwrite=True)

    checked = invoke("fields", "check", write_list(tmp_path / "fields.json", ENTRIES))

    assert checked.exit_code == 0
    assert "not compared with a release in use: no release is in use" in checked.stderr


def test_a_pushed_list_is_in_use_and_stands_in_the_parameter(
    stack: Stack, small: str, tmp_path: Path
) -> None:
    entries = changed(Total={"Name": "Amount"})
    file = write_list(tmp_path / "fields.json", entries)

    pushed, again = invoke("fields", "push", file), invoke("fields", "push", file)

    told = boto3.client("ssm").get_parameter(Name=f"/{PROJECT}/config/EntityConfiguration")["Parameter"]
    pulled = invoke("fields", "pull")
    follower = FollowParameter(
        maker_of(stack), FakeEvents(), told["Name"], "", FakeEndpoints(stack.work, ""), "", PROJECT
    )
    assert follow_parameter(ParameterChange(name=told["Name"]), follower).outcome == "repeated"
    assert pushed.exit_code == 0, pushed.exception
    assert "renamed: class 0 from 'Total' to 'Amount'" in pushed.stdout
    assert f"before: {small.removeprefix('releases/')}" in pushed.stdout
    assert "has these fields already" in again.stdout
    assert used_release(stack) != small
    assert json.loads(told["Value"])[0]["Name"] == "Amount"
    assert parse_fields(pulled.stdout) == parse_fields(entries)
    assert "config/EntityConfiguration" not in invoke("release", "list").stdout


def test_a_long_list_stands_in_the_parameter_by_reference(stack: Stack, small: str, tmp_path: Path) -> None:
    entries = changed(Total={"AnnotationGuidance": "<p>Mark it.</p>" * 300})

    pushed = invoke("fields", "push", write_list(tmp_path / "fields.json", entries))

    told = boto3.client("ssm").get_parameter(Name=f"/{PROJECT}/config/EntityConfiguration")["Parameter"]
    assert pushed.exit_code == 0, pushed.exception
    assert told["Value"] == f"s3://work/{used_release(stack)}/{FIELDS}"
    assert fields.strays(read_stack(PROJECT)) == ""


def test_a_parameter_that_says_something_else_than_the_release_in_use_is_told(
    stack: Stack, small: str, tmp_path: Path
) -> None:
    invoke("fields", "push", write_list(tmp_path / "fields.json", changed(Total={"Name": "Amount"})))
    use_release(small, maker_of(stack).parameters, f"/{PROJECT}/config/Release")

    listed = invoke("release", "list").stdout

    assert "config/EntityConfiguration: it holds another field list than the release in use" in listed


def test_a_list_that_the_model_does_not_know_is_not_pushed(stack: Stack, small: str, tmp_path: Path) -> None:
    result = invoke("fields", "push", write_list(tmp_path / "fields.json", ENTRIES[:2]))

    assert "the model has 4 classes" in error_of(result, FieldConfigurationError)
    assert used_release(stack) == small


def test_a_list_is_not_pushed_over_a_release_that_somebody_put_in_use_meanwhile(
    stack: Stack, small: str
) -> None:
    other = publish_release(contents(seed=8), stack.objects, stack.work)
    use_release(other, maker_of(stack).parameters, f"/{PROJECT}/config/Release")

    with pytest.raises(ConfigurationError, match=r"meanwhile somebody else has put small-.* in use"):
        require_still_used(small, "releases/mine", stack)


def test_nothing_is_pushed_where_no_release_is_in_use(stack: Stack, tmp_path: Path) -> None:
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/config/Release", Value="undefined", Overwrite=True)

    result = invoke("fields", "push", write_list(tmp_path / "fields.json", ENTRIES))

    assert "no release is in use" in error_of(result, ParameterMissingError)
