"""Private work teams: groups of people in the stack's user pool, and the work team that jobs name.

People sign in with their mail address. A team is one group of the pool; what a person may do besides, the
groups of roles say: annotators, reviewers, operators.
"""

import re
import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from recto.aws.clients import client, errors_of
from recto.errors import LabelRequestError
from recto.suggestions import nearest
from recto_cli.labelling.back_ends import BackEnd, BackEndChoice, RefusalError, found, listed
from recto_cli.labelling.public_workforce import PUBLIC, public_workforce
from recto_cli.stack import CALLER, Stack

POOL, POOL_CLIENT = "static/UserPoolId", "static/UserPoolClientId"
ADDRESS = re.compile(r"[^@\s\"\\]+@[^@\s\"\\]+")
MAX_DESCRIPTION = 200
PASSWORD_LENGTH = 20
NEVER_SIGNED_IN = "FORCE_CHANGE_PASSWORD"
"""Cognito's word for who has a temporary password still."""


class Role(StrEnum):
    """What a person may do; each is a group of the pool."""

    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    OPERATOR = "operator"

    @property
    def group(self) -> str:
        return f"{self}s"


RESERVED = frozenset(role.group for role in Role)


class Delivery(StrEnum):
    """How a new person gets to a password."""

    MAIL = "mail"
    TO_CHANGE = "to change"
    """Printed; it must be changed at the first sign-in."""
    TO_KEEP = "to keep"
    """Printed, and good as it is: for the runtime on one machine."""


class Person(NamedTuple):
    """A member of a team."""

    name: str
    email: str
    status: str


class Invited(NamedTuple):
    """What an invitation did."""

    email: str
    is_new: bool
    password: str
    """To hand over; empty where mail brings it, or the person is known already."""


class People:
    """The user pool of a stack."""

    def __init__(self, pool: str, pool_client: str) -> None:
        self.pool, self.pool_client = pool, pool_client
        self._cognito = client("cognito-idp", CALLER)

    def add_group(self, name: str, description: str) -> bool:
        """False where there is one of that name."""
        with errors_of(f"CreateGroup {name}"):
            try:
                self._cognito.create_group(GroupName=name, UserPoolId=self.pool, Description=description)
            except self._cognito.exceptions.GroupExistsException:
                return False
        return True

    def remove_group(self, name: str) -> None:
        with errors_of(f"DeleteGroup {name}"):
            try:
                self._cognito.delete_group(GroupName=name, UserPoolId=self.pool)
            except self._cognito.exceptions.ResourceNotFoundException:
                return

    def members(self, group: str) -> list[Person]:
        """Those of a group, by address; none where the pool has no such group."""
        try:
            return sorted(self._members(group), key=lambda person: person.email)
        except self._cognito.exceptions.ResourceNotFoundException:
            return []

    def _members(self, group: str) -> Iterator[Person]:
        asked: dict[str, Any] = {"UserPoolId": self.pool, "GroupName": group}
        while True:
            with errors_of(f"ListUsersInGroup {group}", {}):
                page = self._cognito.list_users_in_group(**asked)
            for user in page.get("Users", ()):
                yield _person(user)
            if not page.get("NextToken"):
                return
            asked["NextToken"] = page["NextToken"]

    def find(self, who: str) -> Person | None:
        """A person by name or by mail address."""
        with errors_of(f"AdminGetUser {who}"):
            try:
                user = self._cognito.admin_get_user(UserPoolId=self.pool, Username=who)
            except self._cognito.exceptions.UserNotFoundException:
                return self._with_address(who) if is_address(who) else None
        return _person({"Attributes": user.get("UserAttributes", ()), **user})

    def _with_address(self, email: str) -> Person | None:
        with errors_of(f"ListUsers {email}"):
            found = self._cognito.list_users(UserPoolId=self.pool, Filter=f'email = "{email}"', Limit=1)
        return next((_person(user) for user in found.get("Users", ())), None)

    def invite(self, email: str, delivery: Delivery) -> Invited:
        """A new person; the password goes by mail, or is told."""
        password = "" if delivery is Delivery.MAIL else new_password()
        told: dict[str, Any] = {"MessageAction": "SUPPRESS", "TemporaryPassword": password}
        if delivery is Delivery.MAIL:
            told = {"DesiredDeliveryMediums": ["EMAIL"]}
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        with errors_of(f"AdminCreateUser {email}", {"InvalidParameterException": LabelRequestError}):
            self._cognito.admin_create_user(
                UserPoolId=self.pool, Username=email, UserAttributes=attributes, **told
            )
            if delivery is Delivery.TO_KEEP:
                self._cognito.admin_set_user_password(
                    UserPoolId=self.pool, Username=email, Password=password, Permanent=True
                )
        return Invited(email, is_new=True, password=password)

    def invite_again(self, person: Person, delivery: Delivery) -> Invited:
        """For who has never signed in: his first password has run out, or is lost."""
        asked = {"UserPoolId": self.pool, "Username": person.name}
        if delivery is Delivery.MAIL:
            with errors_of(f"AdminCreateUser {person.name}"):
                self._cognito.admin_create_user(
                    **asked, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"]
                )
            return Invited(person.email, is_new=True, password="")
        password = new_password()
        with errors_of(f"AdminSetUserPassword {person.name}"):
            self._cognito.admin_set_user_password(
                **asked, Password=password, Permanent=delivery is Delivery.TO_KEEP
            )
        return Invited(person.email, is_new=True, password=password)

    def join(self, name: str, group: str) -> None:
        missing = {"ResourceNotFoundException": LabelRequestError}
        with errors_of(f"AdminAddUserToGroup {name} to {group}", missing):
            self._cognito.admin_add_user_to_group(UserPoolId=self.pool, Username=name, GroupName=group)

    def leave(self, name: str, group: str) -> None:
        with errors_of(f"AdminRemoveUserFromGroup {name} from {group}"):
            self._cognito.admin_remove_user_from_group(UserPoolId=self.pool, Username=name, GroupName=group)


def _person(user: Mapping[str, Any]) -> Person:
    told = {one["Name"]: one["Value"] for one in user.get("Attributes", ())}
    name = str(user["Username"])
    return Person(name, told.get("email", name), str(user.get("UserStatus", "")))


def new_password() -> str:
    """Long, random, with one of each kind of character that a pool's policy may ask for."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#%+-_")
    rest = [secrets.choice("".join(kinds)) for _ in range(PASSWORD_LENGTH - len(kinds))]
    characters = [secrets.choice(kind) for kind in kinds] + rest
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def is_address(text: str) -> bool:
    """Whether this can be a mail address; no more than that."""
    return bool(ADDRESS.fullmatch(text))


def people_of(stack: Stack) -> People:
    return People(stack.name(POOL), stack.name(POOL_CLIENT))


# --- work teams ---------------------------------------------------------------------------------------


def all_teams(end: BackEnd) -> list[dict[str, Any]]:
    return sorted(listed(end, "ListWorkteams", "Workteams"), key=lambda team: str(team["WorkteamName"]))


def find_team(name: str, end: BackEnd) -> dict[str, Any]:
    """A team by its name or ARN; LabelRequestError with the nearest name where there is none."""
    bare = name.rpartition("/")[2] if name.startswith("arn:") else name
    answer = found(end, "DescribeWorkteam", {"WorkteamName": bare})
    if answer is None:
        known = [str(team["WorkteamName"]) for team in all_teams(end)]
        hint = nearest(bare, known) or (f"; known: {', '.join(known)}" if known else "; there is none yet")
        raise LabelRequestError(f"no work team {bare!r}{hint} (recto label teams create makes one)")
    team: dict[str, Any] = answer["Workteam"]
    return team


def team_arn(name: str, end: BackEnd, region: str) -> str:
    """The ARN of a team by name or ARN, or of the public workforce; a vendor's ARN is taken as it is."""
    if name == PUBLIC:
        return public_workforce().team_arn(region)
    if name.startswith("arn:") and "/private-crowd/" not in name:
        return name
    return str(find_team(name, end)["WorkteamArn"])


def groups_of(team: Mapping[str, Any]) -> list[str]:
    """The groups of the pool that make up a team."""
    members = [one.get("CognitoMemberDefinition") or {} for one in team.get("MemberDefinitions", ())]
    return [str(one["UserGroup"]) for one in members if one.get("UserGroup")]


def create_team(name: str, description: str, end: BackEnd, people: People) -> str:
    """A team and its group of the pool, or neither; its ARN."""
    if name in RESERVED:
        raise LabelRequestError(f"{name!r} is the group of a role; expected another name for a team")
    if found(end, "DescribeWorkteam", {"WorkteamName": name}) is not None:
        raise LabelRequestError(f"there is a work team {name!r} already")
    if len(description) > MAX_DESCRIPTION:
        raise LabelRequestError(f"--description: expected at most {MAX_DESCRIPTION} characters")
    is_new = people.add_group(name, description)
    member = {"UserPool": people.pool, "UserGroup": name, "ClientId": people.pool_client}
    request = {
        "WorkteamName": name,
        "Description": description,
        "MemberDefinitions": [{"CognitoMemberDefinition": member}],
    }
    try:
        return str(end.call("CreateWorkteam", request)["WorkteamArn"])
    except RefusalError as error:
        if is_new:
            people.remove_group(name)
        if end.choice is BackEndChoice.GROUND_TRUTH and "workforce" in error.said.casefold():
            raise LabelRequestError(
                f"{error}; Ground Truth needs the account's private workforce first: aws sagemaker "
                f"create-workforce --workforce-name default --cognito-config "
                f"UserPool={people.pool},ClientId={people.pool_client}"
            ) from error
        raise


def invite(team: Mapping[str, Any], who: str, role: Role, people: People, delivery: Delivery) -> Invited:
    """A person of a team with a role: known to the pool by name or address, or new by address."""
    groups = groups_of(team)
    if not groups:
        raise LabelRequestError(f"work team {team['WorkteamName']} has no group of the user pool")
    return welcome(who, (groups[0], role.group), people, delivery)


def require_invitable(who: str, people: People) -> Person | None:
    """The person, where he is known; LabelRequestError for who is not and has no mail address."""
    known = people.find(who)
    if known is None and not is_address(who):
        raise LabelRequestError(f"{who!r}: expected a mail address, or the name of a known person")
    return known


def welcome(
    who: str, groups: Sequence[str], people: People, delivery: Delivery, *, again: bool = False
) -> Invited:
    """Put a person into groups: one who is known by name or address, or a new one by address.

    `again`: who has never signed in gets another password.
    """
    known = require_invitable(who, people)
    if known is None:
        invited = people.invite(who, delivery)
    elif again and known.status == NEVER_SIGNED_IN:
        invited = people.invite_again(known, delivery)
    else:
        invited = Invited(who, is_new=False, password="")
    name = known.name if known else who
    for group in groups:
        people.join(name, group)
    return invited


def remove(team: Mapping[str, Any], email: str, people: People) -> None:
    """Take a person out of a team; the person stays in the pool, and so do the answers given."""
    known = people.find(email)
    groups = [
        group
        for group in groups_of(team)
        if known and any(person.name == known.name for person in people.members(group))
    ]
    if known is None or not groups:
        raise LabelRequestError(f"{email} is not in work team {team['WorkteamName']}")
    for group in groups:
        people.leave(known.name, group)


def delete_team(team: Mapping[str, Any], end: BackEnd, people: People) -> None:
    """The team, then its group; the people stay. A team that a running job needs is refused."""
    answer = end.call("DeleteWorkteam", {"WorkteamName": team["WorkteamName"]})
    if answer.get("Success") is False:
        raise LabelRequestError(f"work team {team['WorkteamName']} was not deleted: a job may still need it")
    for group in groups_of(team):
        if group == team["WorkteamName"]:
            people.remove_group(group)
