"""`recto label teams …`: parse, call, print. And the back-end that all of `recto label` talks to."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from recto.errors import ConfigurationError
from recto_cli.labelling import back_ends, teams
from recto_cli.labelling.back_ends import BackEnd, BackEndChoice
from recto_cli.labelling.teams import Delivery, Role
from recto_cli.session import Session

teams_app = typer.Typer(no_args_is_help=True, help="Private teams: who labels.")

WORKBENCH_URL = "static/WorkbenchUrl"
BackEndOption = Annotated[
    BackEndChoice, typer.Option("--back-end", help="Who runs the job: the stack's workbench, or Ground Truth")
]
TeamName = Annotated[str, typer.Argument(help="Name or ARN of the team")]


def end_of(session: Session, choice: BackEndChoice) -> BackEnd:
    """The back-end that was chosen; ConfigurationError for Ground Truth on the local runtime."""
    if choice is BackEndChoice.GROUND_TRUTH and session.target.is_local:
        raise ConfigurationError(
            "the local runtime has no Ground Truth: leave --back-end ground-truth away, or add --target aws"
        )
    return back_ends.back_end(choice, session.stack)


@teams_app.command("list")
def teams_list(context: typer.Context, back_end: BackEndOption = BackEndChoice.WORKBENCH) -> None:
    """Private teams, with how many people are in each."""
    session: Session = context.obj
    found = teams.all_teams(end_of(session, back_end))
    if not found:
        session.out.print("no teams yet: recto label teams create NAME makes one")
        return
    people = teams.people_of(session.stack)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("team", "people", "description", "ARN"):
        table.add_column(column, overflow="fold")
    for team in found:
        count = sum(len(people.members(group)) for group in teams.groups_of(team))
        about = (str(team["WorkteamName"]), str(count), str(team.get("Description", "")))
        table.add_row(*map(escape, about), str(team["WorkteamArn"]))
    session.out.print(table)


@teams_app.command("create")
def teams_create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The team's name, up to 63 letters, digits and hyphens")],
    description: Annotated[str, typer.Option(help="What it is for")] = "",
    back_end: BackEndOption = BackEndChoice.WORKBENCH,
) -> None:
    """Make a private team; nobody is in it until somebody is invited."""
    session: Session = context.obj
    people = teams.people_of(session.stack)
    arn = teams.create_team(name, description or f"Team {name}", end_of(session, back_end), people)
    session.out.print(f"made {arn}", highlight=False)
    session.out.print(f"invite people: recto label teams invite {name} somebody@example.org", highlight=False)


@teams_app.command("show")
def teams_show(
    context: typer.Context, name: TeamName, back_end: BackEndOption = BackEndChoice.WORKBENCH
) -> None:
    """Who is in a team, and whether they have signed in yet."""
    session: Session = context.obj
    team = teams.find_team(name, end_of(session, back_end))
    people = teams.people_of(session.stack)
    session.out.print(f"{team['WorkteamName']}: {team['WorkteamArn']}", highlight=False)
    members = [person for group in teams.groups_of(team) for person in people.members(group)]
    for person in members:
        session.out.print(f"  {escape(person.email)} {person.status.lower()}", highlight=False)
    if not members:
        session.out.print("  nobody yet")


@teams_app.command("invite")
def teams_invite(
    context: typer.Context,
    name: TeamName,
    emails: Annotated[list[str], typer.Argument(help="Mail addresses, or names of known people")],
    role: Annotated[Role, typer.Option(help="What the people may do")] = Role.ANNOTATOR,
    by_mail: Annotated[
        bool | None,
        typer.Option("--mail/--no-mail", help="Send the password by mail; on AWS unless said, never locally"),
    ] = None,
    back_end: BackEndOption = BackEndChoice.WORKBENCH,
) -> None:
    """Put people into a team; who is new gets a temporary password, by mail or printed here."""
    session: Session = context.obj
    team = teams.find_team(name, end_of(session, back_end))
    people = teams.people_of(session.stack)
    delivery = delivery_of(by_mail, is_local=session.target.is_local)
    for email in emails:
        invited = teams.invite(team, email, role, people, delivery)
        how = "is known, and in the team now"
        if invited.is_new:
            until = "" if delivery is Delivery.TO_KEEP else ", to be changed at the first sign-in"
            how = f"password {invited.password}{until}" if invited.password else "gets a password by mail"
        print(f"{email}: {how}", flush=True)
    if WORKBENCH_URL in session.stack.names:
        session.out.print(f"sign in at {session.stack.name(WORKBENCH_URL)}", highlight=False)


def delivery_of(by_mail: bool | None, *, is_local: bool) -> Delivery:
    if by_mail or (by_mail is None and not is_local):
        return Delivery.MAIL
    return Delivery.TO_KEEP if is_local else Delivery.TO_CHANGE


@teams_app.command("remove")
def teams_remove(
    context: typer.Context,
    name: TeamName,
    emails: Annotated[list[str], typer.Argument(help="Mail addresses")],
    back_end: BackEndOption = BackEndChoice.WORKBENCH,
) -> None:
    """Take people out of a team; their answers stay."""
    session: Session = context.obj
    team = teams.find_team(name, end_of(session, back_end))
    people = teams.people_of(session.stack)
    for email in emails:
        teams.remove(team, email, people)
        session.out.print(f"{email}: not in {team['WorkteamName']} any more", highlight=False)


@teams_app.command("delete")
def teams_delete(
    context: typer.Context, name: TeamName, back_end: BackEndOption = BackEndChoice.WORKBENCH
) -> None:
    """Delete a team; the people stay in the user pool."""
    session: Session = context.obj
    end = end_of(session, back_end)
    team = teams.find_team(name, end)
    teams.delete_team(team, end, teams.people_of(session.stack))
    session.out.print(f"deleted {team['WorkteamName']}", highlight=False)
