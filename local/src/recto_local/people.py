"""A few people for the workbench on this machine, in the emulator's pool. On AWS operators add theirs."""

from typing import Any, NamedTuple

from botocore.exceptions import ClientError

PASSWORD = "recto-on-a-laptop"  # noqa: S105 - it opens what listens on this machine alone
POOL_OUTPUT = "UserPoolId"


class Person(NamedTuple):
    name: str
    groups: tuple[str, ...]


PEOPLE = (
    Person("anna", ("annotators",)),
    Person("ben", ("annotators",)),
    Person("rita", ("annotators", "reviewers")),
    Person("olga", ("annotators", "reviewers", "operators")),
)


def names() -> str:
    """All of them, for a message."""
    return ", ".join(person.name for person in PEOPLE)


def provide_people(pool: str, cognito: Any) -> None:
    """Those who are not there yet. Whoever is there stays as he is, with the password he has."""
    for person in PEOPLE:
        try:
            cognito.admin_create_user(
                UserPoolId=pool,
                Username=person.name,
                MessageAction="SUPPRESS",
                UserAttributes=[
                    {"Name": "email", "Value": f"{person.name}@example.com"},
                    {"Name": "email_verified", "Value": "true"},
                    {"Name": "name", "Value": person.name.title()},
                ],
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "UsernameExistsException":
                continue
            raise
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=person.name, Password=PASSWORD, Permanent=True
        )
        for group in person.groups:
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=person.name, GroupName=group)
