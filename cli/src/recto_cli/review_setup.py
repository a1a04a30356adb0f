"""`recto review setup …`: parse, call, print. Who reviews, and where: at the workbench, or at Amazon A2I."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from recto.steps.desks import WORKBENCH
from recto_cli import review_flows
from recto_cli.labelling import teams
from recto_cli.labelling.teams import Delivery, People, Role
from recto_cli.review_flows import FlowChoices, PlannedFlow
from recto_cli.session import Session
from recto_cli.team_commands import WORKBENCH_URL, delivery_of

setup_app = typer.Typer(no_args_is_help=True, help="Who reviews, and where: the workbench, or Amazon A2I.")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Check all, say what would be made, make nothing")]
Reviewers = Annotated[
    list[str] | None, typer.Option("--reviewer", metavar="MAIL", help="Who reviews; once for each")
]
ByMail = Annotated[
    bool | None,
    typer.Option("--mail/--no-mail", help="Send the password by mail; on AWS unless said, never locally"),
]


@setup_app.command("workbench")
def setup_workbench(
    context: typer.Context,
    reviewers: Reviewers = None,
    operators: Annotated[
        list[str] | None,
        typer.Option("--operator", metavar="MAIL", help="Who also sees all documents; once for each"),
    ] = None,
    by_mail: ByMail = None,
    again: Annotated[
        bool, typer.Option("--again", help="Another password for those who have never signed in")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Let reviews go to the workbench, and people in; who is new gets a temporary password."""
    session: Session = context.obj
    people = teams.people_of(session.stack)
    wanted = [
        *((who, Role.REVIEWER) for who in reviewers or ()),
        *((who, Role.OPERATOR) for who in operators or ()),
    ]
    for who, _ in wanted:
        teams.require_invitable(who, people)
    if dry_run:
        for who, role in wanted:
            known = "is known, would join" if people.find(who) else "would be invited to"
            session.out.print(f"{escape(who)}: {known} {role.group}", highlight=False)
        _say_where(session, WORKBENCH, dry_run=True)
        return
    delivery = delivery_of(by_mail, is_local=session.target.is_local)
    for who, role in wanted:
        _welcome(who, (role.group,), people, delivery, again=again)
    _say_where(session, WORKBENCH)
    session.out.print(f"sign in at {session.stack.name(WORKBENCH_URL)}", highlight=False)
    if not wanted and not people.members(Role.REVIEWER.group):
        session.messages.print("[yellow]nobody is a reviewer yet[/]: add --reviewer somebody@example.org")


USUAL = FlowChoices()
Team = Annotated[
    str, typer.Option(help="Work team by name or ARN; PROJECT-reviewers unless said; made if need be")
]
Flow = Annotated[str, typer.Option(help="A flow definition that is there, by name or ARN, used as it is")]
Template = Annotated[
    Path | None, typer.Option(help="A worker template of your own; the review page unless said")
]
BaseName = Annotated[str, typer.Option(help="What names begin with; PROJECT-review unless said")]
TaskCount = Annotated[int, typer.Option(min=1, max=3, help="How many people answer each review")]
Availability = Annotated[
    int, typer.Option(min=30, max=review_flows.LONGEST_AVAILABILITY, help="Seconds for which a review waits")
]
TimeLimit = Annotated[int, typer.Option(min=30, max=review_flows.LONGEST_TASK, help="Seconds for one answer")]
Title = Annotated[str, typer.Option(help="What workers see in their list")]
Description = Annotated[str, typer.Option(help="One sentence more")]
Keywords = Annotated[list[str] | None, typer.Option("--keyword", help="Up to 5; once for each")]
RoleArn = Annotated[str, typer.Option(help="ARN of the flow's role; the stack's unless said")]
Output = Annotated[str, typer.Option(help="s3://… for answers, below the reviews bucket")]


@setup_app.command("a2i")
def setup_a2i(
    context: typer.Context,
    team: Team = "",
    reviewers: Reviewers = None,
    flow: Flow = "",
    template: Template = None,
    name: BaseName = "",
    task_count: TaskCount = 1,
    availability: Availability = review_flows.LONGEST_AVAILABILITY,
    time_limit: TimeLimit = 3600,
    title: Title = USUAL.title,
    description: Description = USUAL.description,
    keywords: Keywords = None,
    role: RoleArn = "",
    output: Output = "",
    by_mail: ByMail = None,
    dry_run: DryRun = False,
) -> None:
    """Let reviews go to Amazon A2I: make task UI, flow definition and team, or use a flow that is there."""
    session: Session = context.obj
    if flow:
        _use_given(session, flow, dry_run=dry_run)
        return
    choices = FlowChoices(
        name=name, team=team, template=template, role=role, output=output, title=title,
        description=description, keywords=tuple(keywords or ()), task_count=task_count,
        availability=availability, time_limit=time_limit,
    )  # fmt: skip
    is_local = session.target.is_local
    end = review_flows.AmazonA2i()
    plan = review_flows.planned(choices, session.stack, end, is_local=is_local)
    if dry_run:
        _say_plan(session, plan)
        return
    made = review_flows.make(plan, session.stack, end, is_local=is_local)
    for what in made.new:
        session.out.print(f"made {what}", highlight=False, soft_wrap=True)
    if not made.new:
        session.out.print(f"flow definition {plan.flow} is there already", highlight=False)
    if reviewers:
        _invite(session, plan, end, reviewers, by_mail)
    _open_buckets(session)
    _say_where(session, made.arn)


def _open_buckets(session: Session) -> None:
    """On AWS; the local runtime's buckets are open to the workbench's frames."""
    for bucket in [] if session.target.is_local else review_flows.open_buckets(session.stack):
        session.out.print(f"{bucket}: workers' pages may read it by link now (CORS)", highlight=False)


def _use_given(session: Session, flow: str, *, dry_run: bool) -> None:
    arn = review_flows.usable_flow(flow, session.stack, review_flows.AmazonA2i())
    if not dry_run:
        _open_buckets(session)
    _say_where(session, arn, dry_run=dry_run)


def _say_plan(session: Session, plan: PlannedFlow) -> None:
    """The requests on standard output, as they would be made."""
    config = {"WorkteamArn": plan.team or plan.new_team, "HumanTaskUiArn": plan.ui}
    request = {**plan.request, "HumanLoopConfig": {**config, **plan.request["HumanLoopConfig"]}}
    print(json.dumps({"FlowDefinitionName": plan.flow, **request}, indent=1, ensure_ascii=False))
    if plan.new_team:
        session.messages.print(f"would make the work team {plan.new_team}", highlight=False)
    if plan.viewer:
        session.messages.print(f"would need {plan.viewer.uri}", highlight=False, soft_wrap=True)
    session.messages.print(
        f"task UI {plan.ui}: {len(plan.template):,} of {review_flows.MOST_CHARACTERS:,} characters",
        highlight=False,
    )


def _invite(
    session: Session,
    plan: PlannedFlow,
    end: review_flows.AmazonA2i,
    reviewers: Iterable[str],
    by_mail: bool | None,
) -> None:
    """People into the team's group; into that of reviewers too where the pool is the workbench's."""
    is_local = session.target.is_local
    people = review_flows.workforce(session.stack, end, is_local=is_local)
    name = (plan.team or plan.new_team).rpartition("/")[2]
    is_everybody = is_local and name == review_flows.EVERYBODY
    groups = [] if is_everybody else teams.groups_of(teams.find_team(name, end))[:1]
    roles = [Role.REVIEWER.group] if people.pool == session.stack.names.get(teams.POOL) else []
    delivery = delivery_of(by_mail, is_local=is_local)
    for who in reviewers:
        _welcome(who, (*groups, *roles), people, delivery)


def _welcome(
    who: str, groups: tuple[str, ...], people: People, delivery: Delivery, *, again: bool = False
) -> None:
    """Printed at once: a password is told here and nowhere else."""
    invited = teams.welcome(who, groups, people, delivery, again=again)
    how = f"is known, and in {' and '.join(groups)}"
    if invited.is_new:
        until = "" if delivery is Delivery.TO_KEEP else ", to be changed at the first sign-in"
        how = f"password {invited.password}{until}" if invited.password else "gets a password by mail"
    print(f"{who}: {how}", flush=True)


def _say_where(session: Session, flow: str, *, dry_run: bool = False) -> None:
    """Where reviews go, and where they went."""
    before = review_flows.current_flow(session.stack)
    if dry_run:
        told = f"reviews would go to {flow}" if before != flow else f"reviews go to {flow} already"
        session.messages.print(told, highlight=False, soft_wrap=True)
        return
    if not review_flows.use_flow(session.stack, flow):
        session.out.print(f"reviews go to {flow}", highlight=False, soft_wrap=True)
        return
    session.out.print(f"reviews go to {flow} from now on", highlight=False, soft_wrap=True)
    if before:
        session.out.print(f"those that wait now stay at {before}", highlight=False, soft_wrap=True)
