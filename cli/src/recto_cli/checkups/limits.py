"""Quotas of the account against what was deployed; roles against what they must do."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from recto.admission import US_EAST_1, ServiceLimits, limits_of_quotas
from recto.aws.quotas import ServiceQuotas
from recto_cli.checkups.findings import (
    Deployment,
    Finding,
    NotAskedError,
    asking,
    not_checked,
    ok,
    or_ok,
    problem,
    remark,
)
from recto_cli.stack import CALLER

LAMBDA_NEEDS = 100
"""Calls at once below which the functions take each other's places; new accounts begin with 10."""
AT_ONCE = 4
EXAMPLE = "doctor"
TEXTRACT: Mapping[str, str] = {
    "concurrent_jobs": "TextractConcurrentJobs",
    "start_per_second": "TextractStartPerSecond",
    "get_per_second": "TextractGetPerSecond",
}
"""Quotas with the template's parameters for them; 0 there means as the quota says."""


def textract_quotas(deployment: Deployment) -> Iterator[Finding]:
    """What was deployed is not above what the account may do."""
    check = "Textract quotas"
    if deployment.is_local:
        yield not_checked(check, "the runtime on this machine has no Service Quotas")
        return
    quotas = limits_of_quotas(ServiceQuotas(CALLER).of("textract"))
    if quotas == ServiceLimits():
        yield not_checked(
            check,
            "Service Quotas cannot be read: your role needs servicequotas:ListServiceQuotas and "
            "servicequotas:ListAWSDefaultServiceQuotas",
        )
        return
    yield from or_ok(check, _told(quotas), _above(quotas, deployment.parameters))


def _told(quotas: ServiceLimits) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:g}" for name, value in quotas.model_dump().items() if value
    )


def _above(quotas: ServiceLimits, parameters: Mapping[str, str]) -> Iterator[Finding]:
    for name, parameter in TEXTRACT.items():
        quota = getattr(quotas, name) or getattr(US_EAST_1, name)
        wanted = float(parameters.get(parameter) or 0)
        if wanted > quota:
            told = f"{parameter} is {wanted:g}, the account's quota is {quota:g}: jobs will be refused"
            yield problem("Textract quotas", told, "lower it (0 follows the quota), or ask AWS for more")
    slots = float(parameters.get("MaxRunningDocuments") or 0)
    jobs = quotas.concurrent_jobs or US_EAST_1.concurrent_jobs or 0
    if slots > jobs:
        told = f"MaxRunningDocuments is {slots:g}, Textract takes {jobs:g} jobs at once: the rest waits"
        yield remark("Textract quotas", told)


def lambda_quota(deployment: Deployment) -> Iterator[Finding]:
    """How many functions may run at once."""
    check = "Lambda quota"
    if deployment.is_local:
        yield not_checked(check, "the runtime on this machine has none")
        return
    with asking("GetAccountSettings"):
        limits = deployment.client("lambda").get_account_settings()["AccountLimit"]
    total = limits["ConcurrentExecutions"]
    left = limits.get("UnreservedConcurrentExecutions", total)
    if left < LAMBDA_NEEDS:
        told = f"{left} functions may run at once in this account and region (of {total})"
        advice = "ask for 1,000 at Service Quotas (Concurrent executions); it is slow until then, not wrong"
        yield problem(check, told, advice)
    else:
        yield ok(check, f"{left} functions may run at once")


# ---- roles


class Question(NamedTuple):
    """Whether a role may do something."""

    function: str
    role: str
    action: str
    resources: Sequence[str]


class Answer(NamedTuple):
    """What IAM says to one question."""

    denied: Sequence[Finding] = ()
    why: str = ""
    """Why it does not say: not every action goes with every kind of resource of its statement."""


def roles(deployment: Deployment) -> Iterator[Finding]:
    """What the template allows is allowed in fact: no boundary and no policy above it forbids it."""
    check = "roles"
    if deployment.is_local:
        yield not_checked(check, "the runtime on this machine enforces no roles")
        return
    iam = deployment.client("iam")
    questions = list(_questions(deployment, iam))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda question: _answer(question, iam), questions))
    refused = [answer.why for answer in answers if answer.why]
    if answers and len(refused) == len(answers):
        yield not_checked(check, refused[0])
        return
    denied = [finding for answer in answers for finding in answer.denied]
    num_roles = len({question.role for question in questions})
    told = f"{len(answers) - len(refused)} actions of {num_roles} roles are in force"
    yield from or_ok(check, f"{told}, {len(refused)} cannot be simulated" if refused else told, denied)


def _questions(deployment: Deployment, iam: Any) -> Iterator[Question]:
    service = deployment.client("lambda")
    for name in deployment.resources.of_kind("AWS::Lambda::Function").values():
        with asking(f"GetFunctionConfiguration {name}"):
            role = service.get_function_configuration(FunctionName=name)["Role"]
        role_name = role.rpartition("/")[2]
        try:
            with asking(f"ListRolePolicies {role_name}"):
                policies = iam.list_role_policies(RoleName=role_name)["PolicyNames"]
        except ClientError as error:
            raise NotAskedError(f"{name}: its role {role_name} is gone: deploy the stack again") from error
        for policy in policies:
            with asking(f"GetRolePolicy {role_name}"):
                found = iam.get_role_policy(RoleName=role_name, PolicyName=policy)["PolicyDocument"]
            for statement in found["Statement"]:
                if statement.get("Effect") == "Allow" and "Condition" not in statement:
                    resources = _concrete(statement["Resource"])
                    actions = [action for action in _many(statement["Action"]) if "*" not in action]
                    yield from (Question(name, role, action, resources) for action in actions)


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _concrete(value: Any) -> list[str]:
    """An example of what a pattern stands for; the simulation takes no patterns."""
    return [each if each == "*" else each.replace("*", EXAMPLE) for each in _many(value)]


def _answer(question: Question, iam: Any) -> Answer:
    """One action at a time: IAM refuses a simulation as a whole where one of its actions does not fit."""
    try:
        with asking("SimulatePrincipalPolicy"):
            answer = iam.simulate_principal_policy(
                PolicySourceArn=question.role,
                ActionNames=[question.action],
                ResourceArns=list(question.resources),
            )
    except NotAskedError as error:
        return Answer(why=str(error))
    return Answer(denied=_denied(question, answer["EvaluationResults"]))


def _denied(question: Question, results: Sequence[Mapping[str, Any]]) -> list[Finding]:
    return [
        problem(
            "roles",
            f"{question.function} may not {each['EvalActionName']} on {each.get('EvalResourceName', '*')}: "
            f"{each['EvalDecision']}",
            "a permissions boundary or a policy of the organisation forbids it: ask who keeps them",
        )
        for each in results
        if each["EvalDecision"] != "allowed" and not each.get("MissingContextValues")
    ]
