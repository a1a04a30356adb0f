"""Releases in S3: made whole or not at all, never overwritten; parameters changed by hand are followed."""

import json
from typing import Any

import boto3
import pytest

from recto.aws.s3 import S3Objects
from recto.errors import (
    ConfigurationError,
    FieldConfigurationError,
    ParameterMissingError,
    ReleaseError,
    ServiceUnavailableError,
)
from recto.fields import parse_fields
from recto.messages import ParameterChange
from recto.places import Location
from recto.ports import EndpointInfo
from recto.release import CALIBRATION, FIELDS, FILES, INDEX, MODEL, Release, parse_release
from recto.release_contents import THRESHOLDS
from recto.steps.fields_of_release import load_fields
from recto.steps.follow_parameter import REFUSAL, FollowParameter, follow_parameter
from recto.steps.make_release import (
    ReleaseMaker,
    prove_whole,
    publish_release,
    remake_with_fields,
    use_release,
)
from tests.fakes import FakeClock, FakeEndpoints, FakeEvents, FakeParameters
from tests.functional.conftest import INBOX, WORK
from tests.functional.test_handlers import Context, load
from tests.unit.releases import ENTRIES, changed, contents

USED, LIST, ENDPOINT = "/recto/config/Release", "/recto/config/EntityConfiguration", "/recto/config/Endpoint"
TOPIC = "arn:aws:sns:us-east-1:000000000000:model"


@pytest.fixture
def parameters() -> FakeParameters:
    return FakeParameters({})


@pytest.fixture
def maker(objects: S3Objects, parameters: FakeParameters) -> ReleaseMaker:
    return ReleaseMaker(objects, objects, parameters, FakeClock(), WORK, USED)


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def base(maker: ReleaseMaker) -> str:
    """A small release, in use."""
    prefix = publish_release(contents(), maker.objects, WORK)
    use_release(prefix, maker.parameters, USED)
    return prefix


@pytest.fixture
def step(maker: ReleaseMaker, events: FakeEvents) -> FollowParameter:
    endpoints = FakeEndpoints(WORK, TOPIC, "model-endpoint")
    return FollowParameter(maker, events, LIST, ENDPOINT, endpoints, TOPIC, "recto")


def at(prefix: str, name: str) -> Location:
    return Location(bucket=WORK, key=f"{prefix}/{name}")


def keys() -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=WORK).get("Contents", [])
    return [entry["Key"] for entry in found]


class FailsAtTheEnd(S3Objects):
    """Loses its connection when an index is to be written."""

    def write(self, place: Location, body: bytes, content_type: str = "application/octet-stream") -> None:
        if place.key.endswith(INDEX):
            raise ServiceUnavailableError("the connection is gone")
        super().write(place, body, content_type)


# --- whole or not at all ------------------------------------------------------------------------------


def test_a_release_is_put_there_whole_and_proves_it(base: str, objects: S3Objects) -> None:
    release = prove_whole(base, objects, WORK)

    assert base.startswith("releases/small-")
    assert set(FILES) < set(release.files)


def test_a_release_that_is_not_whole_is_not_begun(objects: S3Objects) -> None:
    files = {**contents(), MODEL: b"altered"}

    with pytest.raises(ReleaseError, match=r"model\.onnx"):
        publish_release(files, objects, WORK)

    assert keys() == []


def test_a_release_whose_upload_broke_off_is_not_usable_and_can_be_made_again(objects: S3Objects) -> None:
    with pytest.raises(ServiceUnavailableError):
        publish_release(contents(), FailsAtTheEnd("recto-tests"), WORK)
    (prefix,) = {key.rpartition("/")[0] for key in keys()}
    with pytest.raises(ReleaseError, match=r"release\.json is missing"):
        load_fields(objects, WORK, prefix)

    assert publish_release(contents(), objects, WORK) == prefix

    assert prove_whole(prefix, objects, WORK).name == "small"


def test_the_same_release_twice_is_one_and_another_one_at_its_place_is_never_overwritten(
    base: str, objects: S3Objects
) -> None:
    assert publish_release(contents(), objects, WORK) == base
    objects.write(at(base, INDEX), b"{}")

    with pytest.raises(ReleaseError, match="another release lies at s3://work/releases/small-"):
        publish_release(contents(), objects, WORK)

    assert objects.read(at(base, INDEX)) == b"{}"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        (MODEL, None, r"model\.onnx is missing"),
        (MODEL, b"another model", r"model\.onnx \(13 bytes\) has sha256"),
        (MODEL, b"", r"model\.onnx \(0 bytes\) has sha256"),
        (INDEX, b"{", "is not valid"),
        (INDEX, json.dumps({"schema": 9}).encode(), "schema"),
        (INDEX, None, r"release\.json is missing"),
    ],
)
def test_a_release_that_was_damaged_since_is_found_out(
    base: str, objects: S3Objects, name: str, body: bytes | None, said: str
) -> None:
    if body is None:
        boto3.client("s3").delete_object(Bucket=WORK, Key=f"{base}/{name}")
    else:
        objects.write(at(base, name), body)

    with pytest.raises(ReleaseError, match=said):
        prove_whole(base, objects, WORK)


def test_a_document_pinned_to_a_release_whose_fields_do_not_fit_its_model_meets_a_release_error(
    objects: S3Objects,
) -> None:
    for name, body in contents(labels=["Total", "other"]).items():
        objects.write(at("releases/by-hand", name), body)

    with pytest.raises(ReleaseError, match="the model has 2 classes"):
        load_fields(objects, WORK, "releases/by-hand")


# --- other fields for a model -------------------------------------------------------------------------


def test_other_fields_make_another_release_of_the_same_model_and_leave_the_old_one(
    base: str, maker: ReleaseMaker
) -> None:
    before = {key: maker.objects.read(Location(bucket=WORK, key=key)) for key in keys()}

    made = remake_with_fields(base, parse_fields(changed(Total={"Name": "Amount"})), maker)

    found = load_fields(maker.objects, WORK, made.prefix)
    release = prove_whole(made.prefix, maker.objects, WORK)
    assert made.changes == ("renamed: class 0 from 'Total' to 'Amount'",)
    assert (release.made_from, release.labels[0]) == (base, "Total")
    assert release.files[MODEL] == parse_release(before[f"{base}/{INDEX}"]).files[MODEL]
    assert "Amount" in found.fields
    assert found.thresholds.fields == {"Amount": 0.9}
    assert {key: maker.objects.read(Location(bucket=WORK, key=key)) for key in before} == before


def test_the_same_fields_again_make_nothing(base: str, maker: ReleaseMaker) -> None:
    before = keys()

    assert remake_with_fields(base, parse_fields(ENTRIES), maker) == (base, ())

    assert keys() == before


def test_fields_that_the_model_does_not_know_are_refused(base: str, maker: ReleaseMaker) -> None:
    more = parse_fields([*ENTRIES, {"ClassId": 3, "Name": "New"}])

    with pytest.raises(FieldConfigurationError, match=r"has 4 fields.*unknown to the model: New"):
        remake_with_fields(base, more, maker)


def test_no_release_is_made_of_a_model_that_was_altered(base: str, maker: ReleaseMaker) -> None:
    maker.objects.write(at(base, MODEL), b"altered")
    before = keys()

    with pytest.raises(ReleaseError, match=r"model\.onnx"):
        remake_with_fields(base, parse_fields(changed(Total={"Name": "Amount"})), maker)

    assert keys() == before


# --- parameters that somebody changes -----------------------------------------------------------------


def follow(step: FollowParameter, value: Any, name: str = LIST) -> Any:
    step.maker.parameters.write(name, value if isinstance(value, str) else json.dumps(value))
    return follow_parameter(ParameterChange(name=name), step)


def test_a_list_in_the_parameter_is_in_use_for_the_next_document(base: str, step: FollowParameter) -> None:
    told = follow(step, changed(Total={"ReviewThreshold": 0.95}))

    used = step.maker.parameters.read(USED)
    assert (told.outcome, told.release) == ("made", used)
    assert used != base
    assert load_fields(step.maker.objects, WORK, used).fields["Total"].review_threshold == 0.95
    assert told.changes == ("changed: 'Total' ReviewThreshold from unset to 0.95, set by hand",)


def test_the_same_event_twice_makes_one_release(base: str, step: FollowParameter) -> None:
    first = follow(step, changed(Total={"Name": "Amount"}))
    again = follow_parameter(ParameterChange(name=LIST), step)

    assert (again.outcome, again.release) == ("repeated", first.release)


def test_an_event_that_comes_late_does_not_undo_a_step_back_and_a_new_change_does(
    base: str, step: FollowParameter
) -> None:
    entries = changed(Total={"Name": "Amount"})
    follow(step, entries)
    use_release(base, step.maker.parameters, USED)

    late = follow_parameter(ParameterChange(name=LIST), step)
    new = follow(step, entries)

    assert (late.outcome, late.release) == ("repeated", base)
    assert new.outcome == "made"
    assert step.maker.parameters.read(USED) == new.release != base


def test_a_list_that_is_in_use_already_makes_nothing(base: str, step: FollowParameter) -> None:
    assert follow(step, ENTRIES).outcome == "unchanged"
    assert step.maker.parameters.read(USED) == base


def test_a_list_by_reference_is_read_from_where_it_lies(base: str, step: FollowParameter) -> None:
    place = Location(bucket=WORK, key="config/fields.json")
    step.maker.objects.write(place, json.dumps(changed(Total={"Name": "Amount"})).encode())

    assert follow(step, place.uri).outcome == "made"


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (changed(Total={"Optinal": True}), "FieldConfigurationError", "unknown key 'Optinal'"),
        (changed(Date={"ClassId": 0}), "FieldConfigurationError", "ClassId used more than once: 0"),
        (ENTRIES[:2], "FieldConfigurationError", "the model has 4 classes"),
        ("[{", "FieldConfigurationError", "not JSON"),
        ("s3://work/config/absent.json", "FieldConfigurationError", "not at s3://work/config/absent.json"),
        ("s3://work", "FieldConfigurationError", "expected s3://bucket/key"),
        (f"s3://{INBOX}/large", "FieldConfigurationError", "1000001 bytes, expected at most 1000000"),
    ],
)
def test_a_bad_list_is_refused_by_name_and_what_is_in_use_stays(
    base: str, step: FollowParameter, events: FakeEvents, value: Any, error: str, said: str
) -> None:
    step.maker.objects.write(Location(bucket=INBOX, key="large"), b" " * 1_000_001)

    told = follow(step, value)

    ((kind, detail),) = events.published
    assert (told.outcome, told.release, told.failure.Error) == ("refused", base, error)
    assert said in told.failure.Cause
    assert (kind, detail["Error"], detail["Parameter"], detail["Release"]) == (
        "ReleaseRefused", error, LIST, base,
    )  # fmt: skip
    assert json.loads(step.maker.objects.read(Location(bucket=WORK, key=REFUSAL))) == detail
    assert step.maker.parameters.read(USED) == base


# --- the model behind an endpoint ---------------------------------------------------------------------


def index_of(step: FollowParameter, prefix: str) -> Release:
    return parse_release(step.maker.objects.read(at(prefix, INDEX)))


def test_an_endpoint_in_the_parameter_makes_a_release_without_a_model_and_with_all_else(
    base: str, step: FollowParameter
) -> None:
    told = follow(step, "recto-words", ENDPOINT)

    release = prove_whole(told.release, step.maker.objects, WORK)
    fields = load_fields(step.maker.objects, WORK, told.release)
    assert (told.outcome, step.maker.parameters.read(USED)) == ("made", told.release)
    assert told.changes == ("model: endpoint recto-words, before its own, in the function",)
    assert (release.backend, release.endpoint, release.embedded_release) == ("sagemaker", "recto-words", base)
    assert set(release.files) == {FIELDS, CALIBRATION, THRESHOLDS}
    assert release.figures == {}
    assert fields.thresholds.fields == {"Total": 0.9}


def test_without_the_endpoint_the_earlier_model_is_used_again_with_the_fields_of_today(
    base: str, step: FollowParameter
) -> None:
    follow(step, "recto-words", ENDPOINT)
    follow(step, "recto-others", ENDPOINT)
    renamed = follow(step, changed(Total={"Name": "Amount"}))
    del step.maker.parameters.values[ENDPOINT]  # as `undefined` reads

    told = follow_parameter(ParameterChange(name=ENDPOINT), step)

    release = index_of(step, told.release)
    assert index_of(step, renamed.release).endpoint == "recto-others"
    assert (told.outcome, release.backend, release.endpoint) == ("made", "embedded", "")
    assert MODEL in release.files
    assert "Amount" in load_fields(step.maker.objects, WORK, told.release).fields
    assert step.maker.parameters.read(USED) == told.release


def test_back_without_other_changes_is_the_very_release_from_before(base: str, step: FollowParameter) -> None:
    follow(step, "recto-words", ENDPOINT)
    step.maker.parameters.values.pop(ENDPOINT)

    told = follow_parameter(ParameterChange(name=ENDPOINT), step)

    assert (told.outcome, told.release) == ("made", base)


def test_no_endpoint_where_none_was_is_nothing(base: str, step: FollowParameter, events: FakeEvents) -> None:
    told = follow_parameter(ParameterChange(name=ENDPOINT), step)

    assert (told.outcome, told.release) == ("unchanged", base)
    assert events.published == []


def test_an_endpoint_that_came_without_a_model_to_go_back_to_is_told_by_name(
    maker: ReleaseMaker, step: FollowParameter
) -> None:
    index = {"backend": "sagemaker", "endpoint": "recto-words"}
    prefix = publish_release(contents(**index), maker.objects, WORK)
    use_release(prefix, maker.parameters, USED)

    told = follow_parameter(ParameterChange(name=ENDPOINT), step)

    assert (told.outcome, told.release) == ("refused", prefix)
    assert "has no model of its own" in told.failure.Cause


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("others-words", {}, "expected a name that begins with recto-"),
        ("recto-words", {"is_async": False}, "expected an asynchronous one"),
        ("recto-words", {"status": "Creating"}, "expected it InService, it is Creating"),
        ("recto-words", {"success_topic": "arn:other"}, "expected SuccessTopic and ErrorTopic"),
        ("recto-words", {"output_path": f"s3://{WORK}/ocr-endpoint/a"}, "expected its S3OutputPath below"),
    ],
)
def test_an_endpoint_that_could_not_be_used_is_refused_by_name_when_it_is_named(
    base: str, step: FollowParameter, events: FakeEvents, name: str, change: dict[str, Any], said: str
) -> None:
    endpoints = FakeEndpoints(WORK, TOPIC, "model-endpoint")
    endpoints.info = endpoints.info._replace(**change)

    told = follow(step._replace(endpoints=endpoints), name, ENDPOINT)

    assert (told.outcome, told.release, told.failure.Error) == ("refused", base, "ConfigurationError")
    assert said in events.published[0][1]["Cause"]
    assert step.maker.parameters.read(USED) == base


def test_an_endpoint_that_is_not_there_is_refused_by_name(base: str, step: FollowParameter) -> None:
    class NoEndpoints(FakeEndpoints):
        def describe(self, name: str) -> EndpointInfo:
            raise ConfigurationError(f"DescribeEndpoint {name}: Could not find endpoint")

    told = follow(step._replace(endpoints=NoEndpoints(WORK, TOPIC)), "recto-absent", ENDPOINT)

    assert (told.outcome, told.failure.Error) == ("refused", "ConfigurationError")
    assert "recto-absent: Could not find" in told.failure.Cause


def test_a_list_and_an_endpoint_changed_at_once_are_both_in_use(
    base: str, maker: ReleaseMaker, step: FollowParameter
) -> None:
    """The one that finds another release in use when it is done begins again with that one."""

    class WhileMaking(S3Objects):
        def copy(self, source: Location, target: Location) -> None:
            super().copy(source, target)
            if "recto-words" not in told:
                told.append("recto-words")
                follow(step, "recto-words", ENDPOINT)

    told: list[str] = []
    slow = step._replace(maker=maker._replace(copies=WhileMaking("recto-tests")))

    made = follow(slow, changed(Total={"Name": "Amount"}))

    assert made.outcome == "made"
    assert index_of(step, made.release).endpoint == "recto-words"
    assert "Amount" in load_fields(maker.objects, WORK, made.release).fields


def test_a_list_without_a_model_is_refused(step: FollowParameter) -> None:
    told = follow(step, ENTRIES)

    assert (told.outcome, told.failure.Error) == ("refused", ParameterMissingError.__name__)


def test_an_undefined_parameter_is_left_alone(base: str, step: FollowParameter, events: FakeEvents) -> None:
    told = follow_parameter(ParameterChange(name=LIST), step)

    assert (told.outcome, told.release) == ("undefined", base)
    assert events.published == []


def test_of_two_changes_at_once_the_later_one_stays_in_use(
    base: str, maker: ReleaseMaker, step: FollowParameter
) -> None:
    class ChangedMeanwhile(FakeParameters):
        """Says the earlier list the first time it is asked."""

        def read(self, name: str) -> str:
            value = super().read(name)
            self.values |= {LIST: json.dumps(changed(Total={"Name": "Later"}))} if name == LIST else {}
            return value

    parameters = ChangedMeanwhile({USED: base, LIST: json.dumps(changed(Total={"Name": "Earlier"}))})
    step = step._replace(maker=maker._replace(parameters=parameters))

    earlier = follow_parameter(ParameterChange(name=LIST), step)
    later = follow_parameter(ParameterChange(name=LIST), step)

    assert (earlier.outcome, earlier.release) == ("overtaken", base)
    assert later.outcome == "made"
    assert "Later" in load_fields(maker.objects, WORK, parameters.read(USED)).fields


def test_an_error_that_passes_is_raised_for_another_try(base: str, step: FollowParameter) -> None:
    objects = FailsAtTheEnd("recto-tests")
    broken = step._replace(maker=step.maker._replace(objects=objects, copies=objects))

    with pytest.raises(ServiceUnavailableError):
        follow(broken, changed(Total={"Name": "Amount"}))

    assert step.maker.parameters.read(USED) == base
    assert FIELDS in parse_release(step.maker.objects.read(at(base, INDEX))).files


def test_two_people_who_make_releases_at_once_get_one_each(base: str, maker: ReleaseMaker) -> None:
    mine = remake_with_fields(base, parse_fields(changed(Total={"Name": "Mine"})), maker)
    theirs = remake_with_fields(base, parse_fields(changed(Total={"Name": "Theirs"})), maker)

    first = use_release(mine.prefix, maker.parameters, USED)
    second = use_release(theirs.prefix, maker.parameters, USED)

    assert (first.before, second.before) == (base, mine.prefix)
    for prefix in (base, mine.prefix, theirs.prefix):
        assert prove_whole(prefix, maker.objects, WORK)


def test_the_function_follows_the_parameter_whose_name_the_event_carries(
    objects: S3Objects, events_machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssm = boto3.client("ssm")
    base = publish_release(contents(), objects, WORK)
    for name, value in ((USED, base), (LIST, json.dumps(changed(Total={"Name": "Amount"})))):
        ssm.put_parameter(Name=name, Value=value, Type="String")
    settings = {
        "WORK_BUCKET": WORK, "PROJECT_ID": "recto",
        "EVENT_STATE_MACHINE_ARN": events_machine,
        "RELEASE_PARAMETER": USED, "FIELDS_PARAMETER": LIST, "ENDPOINT_PARAMETER": ENDPOINT,
        "NOTIFICATION_TOPIC_ARN": TOPIC,
    }  # fmt: skip
    app = load("release_make", "app", monkeypatch, **settings)

    made = app.lambda_handler({"Name": LIST}, Context())
    ssm.put_parameter(Name=LIST, Value="[{", Type="String", Overwrite=True)
    refused = app.lambda_handler({"Name": LIST}, Context())

    used = ssm.get_parameter(Name=USED)["Parameter"]["Value"]
    assert (made["Outcome"], made["Release"]) == ("made", used)
    assert (refused["Outcome"], refused["Release"]) == ("refused", used)
    assert refused["Failure"]["Error"] == "FieldConfigurationError"
    told = boto3.client("stepfunctions").list_executions(stateMachineArn=events_machine)["executions"]
    assert [each["name"].partition("-2-")[0] for each in told] == [LIST.rpartition("/")[2]]


def test_a_parameter_that_nobody_follows_is_a_fault_of_the_rule(base: str, step: FollowParameter) -> None:
    with pytest.raises(ValueError, match="nobody asked to follow"):
        follow_parameter(ParameterChange(name=USED), step)
