"""`recto label` beside `create`: teams, jobs, results, buckets, text files, as a user types them."""

import json
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from recto.document import Page, Word
from recto.errors import AccessError, ConfigurationError, LabelRequestError, ServiceUnavailableError
from recto.geometry import Box
from recto_cli.labelling import cors, results
from recto_cli.labelling.back_ends import BackEndChoice, GroundTruth, RefusalError, Workbench
from recto_cli.labelling.manifest_facts import manifest_facts
from recto_cli.labelling.tasks import TaskType
from recto_cli.labelling.teams import Delivery, new_password
from recto_cli.labelling.text_files import TextMap, text_of
from recto_cli.stack import Stack
from recto_cli.target import Target
from recto_cli.team_commands import delivery_of, end_of
from tests.unit.cli.label_fakes import FakeClient, manifest
from tests.unit.cli.label_stack import Workplace, invoke, make_workplace, page

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def here(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    return make_workplace(stack, tmp_path, monkeypatch)


# --- teams --------------------------------------------------------------------------------------------


def test_a_team_is_a_group_of_the_pool_and_a_work_team(here: Workplace) -> None:
    result = invoke("label", "teams", "create", "night-shift", "--description", "At night")

    assert result.exit_code == 0, result.exception
    assert "workteam/private-crowd/night-shift" in result.stdout
    member = here.end.teams["night-shift"]["MemberDefinitions"][0]["CognitoMemberDefinition"]
    assert member == {
        "UserPool": "us-east-1_ABCDEFGHI",
        "UserGroup": "night-shift",
        "ClientId": "client1234567890",
    }
    assert here.cognito.groups["night-shift"] == []


def test_a_team_that_is_refused_leaves_no_group(here: Workplace) -> None:
    here.end.refuses["CreateWorkteam"] = RefusalError("CreateWorkteam", "ResourceLimitExceeded", "too many")

    result = invoke("label", "teams", "create", "night-shift")

    assert "too many" in str(result.exception)
    assert "night-shift" not in here.cognito.groups


@pytest.mark.parametrize(
    ("name", "told"),
    [("readers", "there is a work team 'readers' already"), ("reviewers", "is the group of a role")],
)
def test_a_team_needs_a_name_of_its_own(here: Workplace, name: str, told: str) -> None:
    result = invoke("label", "teams", "create", name)

    assert result.exit_code == 1
    assert told in str(result.exception)


def test_who_is_new_gets_a_password_and_both_groups(here: Workplace) -> None:
    result = invoke("label", "teams", "invite", "readers", "ann@example.org", "bob@example.org", "--no-mail")

    assert result.exit_code == 0, result.exception
    assert here.cognito.groups["readers"] == ["ann@example.org", "bob@example.org"]
    assert here.cognito.groups["annotators"] == ["ann@example.org", "bob@example.org"]
    asked = here.cognito.users["ann@example.org"]["asked"]
    assert asked["MessageAction"] == "SUPPRESS"
    told = f"ann@example.org: password {asked['TemporaryPassword']}, to be changed at the first sign-in"
    assert told in result.stdout


def test_who_is_known_only_joins(here: Workplace) -> None:
    invoke("label", "teams", "create", "night-shift")
    invoke("label", "teams", "invite", "readers", "ann@example.org")
    result = invoke("label", "teams", "invite", "night-shift", "ann@example.org", "--role", "reviewer")

    assert "is known, and in the team now" in result.stdout
    assert here.cognito.groups["night-shift"] == ["ann@example.org"]
    assert here.cognito.groups["reviewers"] == ["ann@example.org"]


def test_on_aws_the_password_goes_by_mail(here: Workplace) -> None:
    result = invoke("label", "teams", "invite", "readers", "ann@example.org")

    asked = here.cognito.users["ann@example.org"]["asked"]
    assert asked["DesiredDeliveryMediums"] == ["EMAIL"]
    assert "TemporaryPassword" not in asked
    assert "ann@example.org: gets a password by mail" in result.stdout


def test_known_people_are_found_by_name_and_by_address(here: Workplace) -> None:
    here.cognito.users["anna"] = {
        "Username": "anna",
        "Attributes": [{"Name": "email", "Value": "anna@example.com"}],
        "UserStatus": "CONFIRMED",
    }

    by_name = invoke("label", "teams", "invite", "readers", "anna")
    left = invoke("label", "teams", "remove", "readers", "anna@example.com")
    by_address = invoke("label", "teams", "invite", "readers", "anna@example.com")

    assert by_name.exit_code == left.exit_code == by_address.exit_code == 0, by_address.exception
    assert here.cognito.groups["readers"] == ["anna"]
    assert list(here.cognito.users) == ["anna"]


def test_on_this_machine_the_password_is_good_as_it_is() -> None:
    assert delivery_of(None, is_local=True) is Delivery.TO_KEEP
    assert delivery_of(None, is_local=False) is Delivery.MAIL
    assert delivery_of(True, is_local=True) is Delivery.MAIL
    assert delivery_of(False, is_local=False) is Delivery.TO_CHANGE


@pytest.mark.parametrize("email", ["ann", "@example.org", "ann @example.org", "ann@"])
def test_what_is_no_address_is_refused(here: Workplace, email: str) -> None:
    result = invoke("label", "teams", "invite", "readers", email)

    assert "expected a mail address" in str(result.exception)
    assert here.cognito.users == {}


def test_teams_are_listed_shown_left_and_deleted(here: Workplace) -> None:
    invoke("label", "teams", "invite", "readers", "bob@example.org", "ann@example.org")

    listed = invoke("label", "teams", "list")
    shown = invoke("label", "teams", "show", here.end.teams["readers"]["WorkteamArn"])
    left = invoke("label", "teams", "remove", "readers", "ann@example.org")
    again = invoke("label", "teams", "remove", "readers", "ann@example.org")
    deleted = invoke("label", "teams", "delete", "readers")
    gone = invoke("label", "teams", "show", "readers")

    assert "readers" in listed.stdout
    assert " 2 " in listed.stdout
    assert shown.stdout.index("ann@example.org") < shown.stdout.index("bob@example.org")
    assert left.exit_code == 0
    assert "ann@example.org is not in work team readers" in str(again.exception)
    assert deleted.exit_code == 0
    assert "readers" not in here.cognito.groups
    assert "ann@example.org" in here.cognito.users
    assert "no work team 'readers'; there is none yet" in str(gone.exception)


def test_passwords_have_every_kind_of_character_and_differ() -> None:
    made = {new_password() for _ in range(50)}

    assert len(made) == 50
    assert all(any(map(kind, one)) for one in made for kind in (str.islower, str.isupper, str.isdigit))
    assert all(any(not character.isalnum() for character in one) for one in made)


# --- jobs ---------------------------------------------------------------------------------------------


@pytest.fixture
def job(here: Workplace) -> Workplace:
    here.template("bounding-box")
    assert here.create("first", "bounding-box").exit_code == 0
    return here


def end_with(here: Workplace, *lines: dict[str, Any] | str, status: str = "Completed") -> None:
    """Let the job end, with this output manifest."""
    done = {"TotalLabeled": len(lines), "HumanLabeled": len(lines), "Unlabeled": 0}
    here.end.jobs["first"] |= {"LabelingJobStatus": status, "LabelCounters": done}
    body = manifest(here.folder / "out.manifest", *lines).read_bytes()
    prefix = "corpora/labelled/first"
    s3 = boto3.client("s3")
    s3.put_object(Bucket="work", Key=f"{prefix}/manifests/output/output.manifest", Body=body)
    key = f"{prefix}/annotations/worker-response/iteration-1/0/2026-11-21_10:00:00.json"
    s3.put_object(Bucket="work", Key=key, Body=b'{"answers": []}')
    key = f"{prefix}/annotations/consolidated-annotation/consolidation-request/iteration-1/1.json"
    s3.put_object(Bucket="work", Key=key, Body=b"[]")


def labelled(number: int, **told: Any) -> dict[str, Any]:
    return page(
        number, first={"annotations": [], **told}, **{"first-metadata": {"job-name": "labeling-job/first"}}
    )


def test_jobs_are_listed_page_by_page(job: Workplace) -> None:
    job.create("second", "bounding-box")

    result = invoke("label", "list")

    assert result.exit_code == 0, result.exception
    assert "first" in result.stdout
    assert "second" in result.stdout
    assert "0/2" in result.stdout


def test_a_job_is_described_in_the_services_words(job: Workplace) -> None:
    told = json.loads(invoke("label", "describe", "first").stdout)

    assert told["LabelingJobName"] == "first"
    assert told["LabelingJobStatus"] == "InProgress"


def test_an_unknown_job_is_named_with_the_nearest(job: Workplace) -> None:
    result = invoke("label", "describe", "frist")

    assert "no labelling job 'frist', did you mean 'first'?" in str(result.exception)


def test_watching_ends_with_the_job_and_shows_its_first_lines(job: Workplace) -> None:
    end_with(job, *(labelled(number) for number in range(1, 6)))

    result = invoke("label", "watch", "first", "--lines", "2")

    assert result.exit_code == 0, result.exception
    assert [json.loads(line)["page-num"] for line in result.stdout.splitlines()] == [1, 2]
    assert "Completed: 5 of 5 labelled" in result.stderr


def test_lines_are_shown_short_and_whole_when_asked(job: Workplace) -> None:
    boxes = [{"class_id": 0, "left": number, "top": 1, "width": 9, "height": 9} for number in range(100)]
    end_with(job, labelled(1, annotations=boxes))

    short = invoke("label", "watch", "first", "--lines", "1").stdout.strip()
    whole = invoke("label", "watch", "first", "--lines", "1", "--verbose").stdout.strip()

    assert json.loads(short).keys() == json.loads(whole).keys()
    assert len(json.loads(whole)["first"]["annotations"]) == 100
    assert len(short) < 500 < len(whole)


def test_a_long_line_is_short_and_json_still() -> None:
    boxes = [{"left": n, "top": n, "width": 10, "height": 10, "label": "Provider"} for n in range(300)]
    line = json.dumps(
        {
            "source-ref": "s3://bucket/" + "deep/" * 100 + "page-1.png",
            "labels": {"annotations": boxes, "image_size": [{"width": 1, "height": 2}], "entities": []},
            "labels-metadata": {"class-map": {str(n): f"name {n}" for n in range(50)}, "type": "x"},
        }
    )

    short = results.shortened(line)

    assert len(short) <= results.LONGEST_SHOWN
    told = json.loads(short)
    assert told["source-ref"].startswith("s3://buc")
    assert told["source-ref"].endswith("page-1.png"[-8:])
    assert list(told) == ["source-ref", "labels", "labels-metadata"]
    assert results.shortened("line 3: not JSON") == "line 3: not JSON"


def test_watching_a_job_that_fails_is_exit_code_1_with_the_reason(job: Workplace) -> None:
    job.end.jobs["first"] |= {"LabelingJobStatus": "Failed", "FailureReason": "the manifest is gone"}

    result = invoke("label", "watch", "first")

    assert result.exit_code == 1
    assert "the manifest is gone" in result.stderr


def test_watching_stops_at_its_own_limit(job: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "POLL_SECONDS", 0.0)

    result = invoke("label", "watch", "first", "--timeout", "0.01")

    assert result.exit_code == 1
    assert "first is still InProgress after 0.01 s" in result.stderr


def test_a_job_is_stopped_once(job: Workplace) -> None:
    first = invoke("label", "stop", "first")
    job.end.jobs["first"]["LabelingJobStatus"] = "Stopped"
    again = invoke("label", "stop", "first")

    assert first.exit_code == 0
    assert again.exit_code == 1
    assert "first is Stopped already" in again.stderr


def test_results_come_here_with_what_failed_and_what_is_in_doubt(job: Workplace) -> None:
    failed = page(2, first={"failure-reason": "no answer could be used"}, **{"first-metadata": {}})
    theirs = page(3, **{"first-metadata": {"failure-reason": "ClientError: not found", "job-name": "x"}})
    doubtful = labelled(4, consolidation={"confidence": 0.4, "adjudicate": ["box 1 is unsure"]})
    end_with(job, labelled(1), failed, theirs, doubtful, "{broken")
    folder = job.folder / "results"

    result = invoke("label", "results", "first", "--to", str(folder))

    assert result.exit_code == 0, result.exception
    assert "4 objects, 1 files of answers; the job is Completed" in result.stdout
    assert "failed: 2" in result.stdout
    assert "doc-0002-1.png: no answer could be used" in result.stdout
    assert "doc-0003-1.png: ClientError: not found" in result.stdout
    assert "doc-0004-1.png: box 1 is unsure" in result.stdout
    assert "line 5: not JSON" in result.stderr
    assert len((folder / "failed.jsonl").read_text().splitlines()) == 2
    assert json.loads((folder / "adjudicate.jsonl").read_text())["page-num"] == 4
    assert (folder / "annotations/worker-response/iteration-1/0/2026-11-21_10:00:00.json").is_file()
    assert not (folder / "annotations/consolidated-annotation").exists()


def test_results_with_all_bring_what_the_function_saw(job: Workplace) -> None:
    end_with(job, labelled(1))
    folder = job.folder / "results"

    invoke("label", "results", "first", "--to", str(folder), "--all")
    again = invoke("label", "results", "first", "--to", str(folder), "--all")

    assert list((folder / "annotations/consolidated-annotation").rglob("1.json"))
    assert again.exit_code == 0


def test_a_job_without_output_says_so(job: Workplace) -> None:
    result = invoke("label", "results", "first", "--to", str(job.folder / "results"))

    assert "job first is InProgress: it has no output manifest yet" in str(result.exception)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a/", ""])
def test_names_that_leave_the_folder_are_left_out(name: str) -> None:
    assert not results.is_inside(name)


def test_real_manifests_of_ended_jobs_tell_what_failed() -> None:
    file = DATA / "groundtruth" / "manifests" / "comprehend-output_with_expired_tasks_manifest.jsonl"
    if not file.exists():
        pytest.skip("../shared/data is absent")
    lines = list(results.read_manifest([file.read_bytes()], file.name))
    attributes = {
        key.removesuffix("-metadata") for line in lines for key in line.content if key.endswith("-metadata")
    }

    told = [results.why_failed(line, name) for line in lines for name in attributes]

    assert any(told)
    assert not all(told)


# --- back-ends ----------------------------------------------------------------------------------------


def test_ground_truth_is_asked_with_the_same_request(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker = boto3.client("sagemaker")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: sagemaker)
    with Stubber(sagemaker) as stub:
        stub.add_response("stop_labeling_job", {}, {"LabelingJobName": "first"})
        stub.add_client_error("describe_labeling_job", "ValidationException", "Could not find it", 400)
        stub.add_client_error("create_workteam", "AccessDeniedException", "not open to new customers", 400)

        end = GroundTruth()

        assert end.call("StopLabelingJob", {"LabelingJobName": "first"}) == {}
        with pytest.raises(RefusalError) as refusal:
            end.call("DescribeLabelingJob", {"LabelingJobName": "none"})
        assert refusal.value.says_absent
        with pytest.raises(RefusalError, match="AWS has closed Ground Truth to new customers"):
            end.call(
                "CreateWorkteam",
                {
                    "WorkteamName": "a",
                    "Description": "b",
                    "MemberDefinitions": [{"OidcMemberDefinition": {"Groups": ["g"]}}],
                },
            )


def test_ground_truth_is_not_on_this_machine() -> None:
    session: Any = SimpleNamespace(target=Target(is_local=True, project="recto-local", environment={}))

    with pytest.raises(ConfigurationError, match="the local runtime has no Ground Truth"):
        end_of(session, BackEndChoice.GROUND_TRUTH)


def test_a_role_that_may_not_is_told_apart_from_a_closed_service(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker = boto3.client("sagemaker")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: sagemaker)
    with Stubber(sagemaker) as stub:
        stub.add_client_error("list_workteams", "AccessDeniedException", "is not authorized", 400)

        with pytest.raises(AccessError, match="is not authorized"):
            GroundTruth().call("ListWorkteams", {})


def test_a_control_function_that_breaks_is_told_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {
        "FunctionError": "Unhandled",
        "Payload": BytesIO(b'{"errorType": "KeyError", "errorMessage": "x"}'),
    }
    fake = SimpleNamespace(invoke=lambda **_: broken, meta=FakeClient.meta)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: fake)

    with pytest.raises(ServiceUnavailableError, match="control, ListWorkteams: KeyError: x"):
        Workbench("control").call("ListWorkteams", {})


def test_a_stack_without_a_workbench_says_so(here: Workplace) -> None:
    boto3.client("ssm").delete_parameter(Name="/recto-test/static/LabellingControlFunction")

    result = invoke("label", "list")

    assert "static/LabellingControlFunction is absent" in str(result.exception)


# --- CORS ---------------------------------------------------------------------------------------------


def rules(bucket: str = "work") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boto3.client("s3").get_bucket_cors(Bucket=bucket)["CORSRules"]
    return found


def test_a_bucket_allows_the_workbench_and_its_frames_and_nobody_else(here: Workplace) -> None:
    result = invoke("label", "cors", "work")
    again = invoke("label", "cors", "s3://work/")

    assert result.exit_code == 0, result.exception
    assert [rule["AllowedOrigins"] for rule in rules()] == [
        ["https://workbench.example.org", "null"],
        ["https://workbench.example.org"],
    ]
    assert [rule["AllowedMethods"] for rule in rules()] == [["GET", "HEAD"], ["PUT"]]
    assert "rules added" in result.stdout
    assert "has what is needed already" in again.stdout


def test_rules_of_others_stay_and_ours_are_replaced(here: Workplace) -> None:
    other = {"ID": "theirs", "AllowedOrigins": ["https://a.example"], "AllowedMethods": ["POST"]}
    boto3.client("s3").put_bucket_cors(Bucket="work", CORSConfiguration={"CORSRules": [other]})

    invoke("label", "cors", "work", "--origin", "https://old.example/path")
    invoke("label", "cors", "work", "--origin", "https://new.example")

    assert [rule["ID"] for rule in rules()] == ["theirs", "recto-workbench", "recto-workbench-upload"]
    assert "https://old.example" not in json.dumps(rules())
    assert rules()[0]["AllowedMethods"] == ["POST"]


def test_ground_truth_gets_what_aws_asks_for_and_no_writing(here: Workplace) -> None:
    needed = cors.ground_truth_rules()

    assert [rule["AllowedMethods"] for rule in needed] == [["GET"]]
    assert cors.merged(needed, needed) == needed


def test_rules_are_shown(here: Workplace) -> None:
    empty = invoke("label", "cors", "work", "--show")
    invoke("label", "cors", "work")

    assert json.loads(empty.stdout) == []
    assert json.loads(invoke("label", "cors", "work", "--show").stdout) == rules()


@pytest.mark.parametrize("origin", ["*", "https://*", "workbench", "ftp://a", "https://*.example.org"])
def test_an_origin_is_one_host(here: Workplace, origin: str) -> None:
    result = invoke("label", "cors", "work", "--origin", origin)

    assert "expected an origin such as" in str(result.exception)


def test_an_unknown_bucket_is_named(here: Workplace) -> None:
    with pytest.raises(LabelRequestError, match="no-such"):
        cors.rules_of("no-such")


# --- text files ---------------------------------------------------------------------------------------


def word(text: str, row: int, column: int) -> Word:
    left, top = 0.05 + 0.1 * column, 0.05 + 0.05 * row
    return Word(text, Box(left, top, left + 0.08, top + 0.02), 0.9, row, f"w{row}-{column}")


@given(st.lists(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=8), min_size=1, max_size=8))
def test_every_word_is_found_again_by_its_characters(rows: list[list[str]]) -> None:
    words = tuple(word(text, y, x) for y, row in enumerate(rows) for x, text in enumerate(row))

    made = text_of(Page(1, words))

    assert sorted(span.word for span in made.words) == list(range(len(words)))
    way_back = TextMap(textract_ref="s3://a/b.json", page_num=1, words=made.words)
    for span in made.words:
        shown = made.text[span.start : span.end]
        assert shown == (" ".join(words[span.word].text.split()) or "\N{REPLACEMENT CHARACTER}")
        assert way_back.words_in(span.start, span.end) == [span.word]


def test_a_span_over_several_words_is_all_of_them() -> None:
    words = tuple(word(text, 0, number) for number, text in enumerate(("Acme", "\N{GRINNING FACE}", "Inc")))

    made = text_of(Page(1, words))
    way_back = TextMap(textract_ref="s3://a/b.json", page_num=1, words=made.words)

    assert made.text == "Acme \N{GRINNING FACE} Inc\n"
    assert way_back.words_in(2, len("Acme \N{GRINNING FACE} I")) == [0, 1, 2]
    assert way_back.words_in(len("Acme \N{GRINNING FACE} "), len(made.text) - 1) == [2]
    assert way_back.words_in(4, 5) == []


def response(*texts: str) -> bytes:
    """A Textract response: a page for each text, a word for each of its words."""
    blocks: list[dict[str, Any]] = []
    for number, text in enumerate(texts, start=1):
        blocks.append({"BlockType": "PAGE", "Id": f"p{number}", "Page": number, "Relationships": []})
        for column, one in enumerate(text.split()):
            box = {"Left": 0.1 * column, "Top": 0.1, "Width": 0.08, "Height": 0.02}
            blocks.append(
                {
                    "BlockType": "WORD",
                    "Id": f"w{number}-{column}",
                    "Page": number,
                    "Text": one,
                    "Confidence": 99.0,
                    "Geometry": {"BoundingBox": box},
                }
            )
    return json.dumps({"DocumentMetadata": {"Pages": len(texts)}, "Blocks": blocks}).encode()


def test_texts_and_their_manifest_are_made_of_a_page_manifest(here: Workplace) -> None:
    s3 = boto3.client("s3")
    key = "corpora/textracted/doc.pdf/consolidated.json"
    s3.put_object(Bucket="work", Key=key, Body=response("Acme Inc", "", "third page"))
    manifest(here.folder / "pages.manifest", page(1), page(2), page(9))
    output = here.folder / "text.manifest"

    result = invoke("label", "text-files", here.file("pages.manifest"), "--manifest", str(output))

    assert result.exit_code == 0, result.exception
    (line,) = map(json.loads, output.read_text(encoding="utf-8").splitlines())
    assert line["source-ref"] == page(1)["source-ref"]
    assert line["metadata"]["page-num"] == 1
    place = line["text-file-s3-uri"].removeprefix("s3://work/")
    assert place == "corpora/labelling/text/corpora/textracted/doc.pdf/consolidated/page-0001.txt"
    assert s3.get_object(Bucket="work", Key=place)["Body"].read() == b"Acme Inc\n"
    kept = s3.get_object(Bucket="work", Key=line["metadata"]["words-ref"].removeprefix("s3://work/"))
    assert TextMap.model_validate_json(kept["Body"].read()).words_in(0, 4) == [0]
    assert "page 2: no words" in result.stderr
    assert "page 9: the OCR result has no such page" in result.stderr


def test_all_pages_of_one_result_are_made_where_it_is_named(here: Workplace) -> None:
    boto3.client("s3").put_object(Bucket="work", Key="ocr/a.json", Body=response("one", "two"))
    output = here.folder / "text.manifest"

    result = invoke(
        "label", "text-files", "s3://work/ocr/a.json", "--manifest", str(output), "--to", "s3://work/t/"
    )

    assert result.exit_code == 0, result.exception
    assert [json.loads(line)["text-file-s3-uri"] for line in output.read_text().splitlines()] == [
        "s3://work/t/ocr/a/page-0001.txt",
        "s3://work/t/ocr/a/page-0002.txt",
    ]


def test_without_any_text_there_is_no_manifest(here: Workplace) -> None:
    boto3.client("s3").put_object(Bucket="work", Key="ocr/a.json", Body=b"no json")
    output = here.folder / "text.manifest"

    result = invoke("label", "text-files", "s3://work/ocr/a.json", "--manifest", str(output))

    assert result.exit_code == 1
    assert "no page with words" in result.stderr
    assert "not JSON" in result.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "task", "adjust", "count"),
    [
        ("ref-augmentation-1.output.manifest", TaskType.BOUNDING_BOX_ADJUSTMENT, "augmentation-1", 50),
        ("birds-detection-sample.output.manifest", TaskType.BOUNDING_BOX, "", 100),
        ("semantic-segmentation.output.manifest", TaskType.SEMANTIC_SEGMENTATION, "", 1),
    ],
)
def test_real_manifests_can_be_labelled_again(name: str, task: TaskType, adjust: str, count: int) -> None:
    file = DATA / "groundtruth" / "manifests" / name
    if not file.exists():
        pytest.skip("../shared/data is absent")

    facts = manifest_facts(str(file), task, adjust)

    assert facts.num_objects == count
    assert facts.faults == ()
    assert facts.without_earlier_labels == ()
