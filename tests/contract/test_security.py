"""Rights, keys, networks, partitions: what the template promises and docs/roles.md explains."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.contract.template import ROOT, functions, resources, template

ROLES_PAGE = (ROOT / "docs" / "roles.md").read_text()
KEY = {"If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of a role, with the resource that has it."""
    for name, body in template()["Resources"].items():
        properties = body.get("Properties", {})
        if body["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine"):
            documents = properties["Policies"]
        elif body["Type"] == "AWS::IAM::Role":
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        elif body["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            documents = [properties["PolicyDocument"]]
        else:
            continue
        for document in documents:
            for statement in document["Statement"]:
                yield name, statement


def allowed() -> Iterator[tuple[str, str, str]]:
    """Role, action and resource of everything that is allowed; resources without partition and account."""
    for name, statement in statements():
        if statement["Effect"] == "Allow":
            for action in many(statement["Action"]):
                for resource in many(statement["Resource"]):
                    for text in spelt(resource):
                        yield name, action, text


def spelt(resource: Any) -> Iterator[str]:
    """`service:name` of an ARN that is put together; what is one resource of the stack stays as it is."""
    if isinstance(resource, dict) and "If" in resource:
        for branch in resource["If"][1:]:
            yield from spelt(branch)
        return
    text = resource if isinstance(resource, str) else many(resource.get("Sub", ""))[0]
    if text.startswith("arn:"):
        _, _, service, _, _, name = re.sub(r"\$\{AWS::(\w+)\}", r"\1", text).split(":", 5)
        text = f"{service}:{name}"
    yield text


def rows(heading: str) -> list[list[str]]:
    """A table's rows, cell by cell."""
    (section,) = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", ROLES_PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- rights -----------------------------------------------------------------------------------------


def test_every_right_to_everything_has_its_reason_and_every_reason_its_right() -> None:
    explained = {
        (role, action)
        for actions, roles, why in rows("On everything")
        for action in code(actions)
        for role in roles.split()
        if why
    }

    granted = {(role, action) for role, action, resource in allowed() if resource == "*"}

    assert granted == explained


def test_every_right_to_a_pattern_of_names_has_its_reason_and_every_reason_its_right() -> None:
    explained = {
        (role, action, pattern)
        for patterns, actions, roles, why in rows("On a pattern of names")
        for pattern in code(patterns)
        for action in code(actions)
        for role in roles.split()
        if why
    }

    granted = {
        (role, action, resource)
        for role, action, resource in allowed()
        if "*" in resource and resource != "*" and not resource.startswith("${")
    }

    assert granted == explained


def test_no_role_is_allowed_actions_by_wildcard() -> None:
    assert [(role, action) for role, action, _ in allowed() if "*" in action] == []


def test_who_may_assume_a_role_is_a_service_that_works_for_this_account() -> None:
    for name, body in resources("AWS::IAM::Role").items():
        for statement in body["AssumeRolePolicyDocument"]["Statement"]:
            assert list(statement["Principal"]) == ["Service"], name
            assert statement["Condition"] == {
                "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
            }, name


def test_queues_and_topics_take_only_from_the_stack() -> None:
    """A forged event needs a right to the queue: services may send for one named source, nobody else may."""
    policies = {**resources("AWS::SQS::QueuePolicy"), **resources("AWS::SNS::TopicPolicy")}

    assert len(policies) > 5
    for name, body in policies.items():
        for statement in body["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert list(statement["Principal"]) == ["Service"], name
                assert list(statement["Condition"]) == ["ArnEquals"], name
                assert list(statement["Condition"]["ArnEquals"]) == ["aws:SourceArn"], name


# --- keys -------------------------------------------------------------------------------------------


def encryption_of(bucket: dict[str, Any]) -> list[Any]:
    """The condition, and the two ways of a bucket's objects."""
    found: list[Any] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["If"]
    return found


def test_everything_at_rest_takes_the_key_that_is_given() -> None:
    kinds = {
        "AWS::SQS::Queue": lambda body: body["KmsMasterKeyId"] == KEY,
        "AWS::SNS::Topic": lambda body: body["KmsMasterKeyId"] == KEY,
        "AWS::Logs::LogGroup": lambda body: body["KmsKeyId"] == KEY,
        "AWS::DynamoDB::Table": lambda body: body["SSESpecification"]["If"] == [
            "HasKey",
            {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY["If"][1]},
            {"SSEEnabled": True},
        ],
        "AWS::S3::Bucket": lambda body: encryption_of(body)[1] == {
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY["If"][1]},
            "BucketKeyEnabled": True,
        },
    }  # fmt: skip

    without = [
        name for kind, takes in kinds.items() for name, body in resources(kind).items() if not takes(body)
    ]

    assert without == []
    assert template()["Globals"]["Function"]["KmsKeyArn"] == KEY


def test_without_a_key_all_is_encrypted_by_aws() -> None:
    for name, body in resources("AWS::SQS::Queue").items():
        assert body["SqsManagedSseEnabled"] == {"If": ["HasKey", {"Ref": "AWS::NoValue"}, True]}, name
    for name, body in resources("AWS::S3::Bucket").items():
        assert encryption_of(body)[2] == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}, name


def roles_of(policy: str) -> set[str]:
    return {role["Ref"] for role in resources("AWS::IAM::Policy")[policy]["Roles"]}


def test_all_roles_that_touch_what_is_encrypted_may_use_the_key_only_where_there_is_one() -> None:
    ours = {f"{name}Role" for name in functions()} | set(resources("AWS::IAM::Role"))
    reads_s3 = {
        f"{role}Role"
        for role, action, _ in allowed()
        if role in resources("AWS::Serverless::StateMachine") and action.startswith("s3:")
    }
    told = [(role, action, str(statement["Resource"])) for role, statement in statements()
            for action in many(statement["Action"]) if action.startswith("kms:")]  # fmt: skip

    assert roles_of("KeyUsePolicy") == ours | reads_s3
    assert template()["Resources"]["KeyUsePolicy"]["Condition"] == "HasKey"
    assert told == [
        ("KeyUsePolicy", action, "{'Ref': 'KmsKeyArn'}") for action in ("kms:Decrypt", "kms:GenerateDataKey")
    ]


def test_functions_may_make_network_interfaces_only_in_a_network() -> None:
    policy = template()["Resources"]["NoNetworkPolicy"]

    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]

    assert template()["Conditions"]["NotInVpc"] == {"Equals": [{"Ref": "VpcSubnetIds"}, ""]}
    assert policy["Condition"] == "NotInVpc"
    assert (statement["Effect"], statement["Resource"]) == ("Deny", "*")
    assert set(statement["Action"]) == {"ec2:CreateNetworkInterface", "ec2:AssignPrivateIpAddresses"}, (
        "interfaces can still be deleted: Lambda does it with these roles when a stack leaves its network"
    )
    assert roles_of("NoNetworkPolicy") == {f"{name}Role" for name in functions()}
    assert all("VpcConfig" not in body for body in functions().values())


# --- logs -------------------------------------------------------------------------------------------


def test_every_log_group_is_kept_as_long_as_the_operator_says() -> None:
    groups = resources("AWS::Logs::LogGroup")

    assert {
        name for name, body in groups.items() if body["RetentionInDays"] != {"Ref": "LogRetentionDays"}
    } == set()


def test_whatever_writes_logs_writes_to_a_log_group_of_the_template() -> None:
    """Else AWS makes one by itself, which is kept for ever and without the key."""
    written = {body["LoggingConfig"]["LogGroup"]["Ref"] for body in functions().values()}
    for body in resources("AWS::Serverless::StateMachine").values():
        (destination,) = body["Logging"]["Destinations"]
        written.add(destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["GetAtt"].removesuffix(".Arn"))
        assert body["Logging"]["IncludeExecutionData"] is False
    for body in resources("AWS::ApiGatewayV2::Stage").values():
        written.add(body["AccessLogSettings"]["DestinationArn"]["GetAtt"].removesuffix(".Arn"))
    for body in resources("AWS::CodeBuild::Project").values():
        written.add(body["LogsConfig"]["CloudWatchLogs"]["GroupName"]["Ref"])

    assert written == set(resources("AWS::Logs::LogGroup"))


def test_the_access_log_names_no_path() -> None:
    """The address of a frame opens it."""
    for body in resources("AWS::ApiGatewayV2::Stage").values():
        assert not re.search(
            r"\$context\.(path|routeKey|rawPath|queryString)", body["AccessLogSettings"]["Format"]
        )


# --- partitions -------------------------------------------------------------------------------------

PRODUCT = (
    "template.yaml", "samconfig.toml", "statemachine", "functions", "layers", "cli", "workbench", "training",
    "ocr", "local", "scripts",
)  # fmt: skip
TEXT = {".py", ".json", ".yaml", ".yml", ".toml", ".ts", ".vue", ".html", ".liquid", ".sh", ".js"}
NOT_OURS = {"node_modules", "static", "build", "__pycache__", "samples", "releases"}
SPELT = {
    "cli/src/recto_cli/labelling/requests.py": "stand for what could not be found in a plan; never sent",
    "training/jobs/src/recto_jobs/recording.py": "the answers of a dry run",
    "local/src/recto_local/standins/sagemaker_endpoints.py": "the laptop's emulator is of the partition aws",
}
"""Where `arn:aws:` may stand, and why."""


def product_files() -> Iterator[Any]:
    for name in PRODUCT:
        place = ROOT / name
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            parts = set(path.relative_to(ROOT).parts)
            is_test = ".test." in path.name or "tests" in parts
            if path.suffix in TEXT and path.is_file() and not parts & NOT_OURS and not is_test:
                yield path


def test_no_partition_is_spelt_out_in_the_product() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in product_files()
        if re.search(r"arn:aws(-[a-z-]+)?:", path.read_text(encoding="utf-8"))
    }

    assert found == set(SPELT)


def test_hosts_of_aws_follow_the_partition() -> None:
    """Names of services in policies are the same in all partitions; hosts are not."""
    text = json.dumps(template())

    hosts = re.findall(r"https://[^\"]*?\.amazonaws\.com", text)

    assert hosts == []


# --- checks of others -------------------------------------------------------------------------------


def test_every_check_that_is_left_out_has_its_reason() -> None:
    for line in (ROOT / ".checkov.yaml").read_text().splitlines():
        if re.match(r"\s*- CKV", line):
            assert re.search(r"- CKV\w+ # \w.{20,}", line), line
    ignored = template()["Metadata"]["cfn-lint"]["config"]["ignore_checks"]
    for check in ignored:
        assert re.search(rf"- {check} # \w.{{20,}}", (ROOT / "template.yaml").read_text()), check


def test_the_key_of_the_guide_lets_in_whoever_the_template_needs() -> None:
    text = (ROOT / "docs" / "guides" / "key.yaml").read_text()

    statements = yaml.safe_load(re.sub(r"!(Sub|Ref|GetAtt) ", "", text))["Resources"]["Key"]["Properties"][
        "KeyPolicy"
    ]["Statement"]

    services = {one for each in statements for one in many(each["Principal"].get("Service", []))}
    writers = {
        principal
        for body in resources("AWS::SQS::QueuePolicy").values()
        for each in body["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow"
        for principal in many(each["Principal"]["Service"])
    }
    assert writers <= services
    assert "logs.${AWS::Region}.amazonaws.com" in services
    assert all(each.get("Condition") for each in statements if "Service" in each["Principal"])
