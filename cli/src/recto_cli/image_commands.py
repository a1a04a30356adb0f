"""`recto images build`: parse, call, print."""

from typing import Annotated

import typer

from recto_cli import images
from recto_cli.session import Session

images_app = typer.Typer(no_args_is_help=True, help="Container images for SageMaker, built by CodeBuild.")


@images_app.callback()
def about() -> None:
    """Container images for SageMaker, built by CodeBuild."""


@images_app.command("build")
def images_build(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help=f"{', '.join(images.IMAGES)}; all unless said")
    ] = None,
    tag: Annotated[str, typer.Option(help="Jobs and endpoints take 'latest' unless told")] = "latest",
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Until they are built, checked, pushed")
    ] = True,
) -> None:
    """Upload the source and build, check and push images; exit code 1 where one failed."""
    session: Session = context.obj
    stack = session.stack
    source = images.upload_source(stack)
    session.out.print(f"source: {source.uri}", highlight=False)
    builds = {name: images.start_build(name, tag, source, stack) for name in names or images.IMAGES}
    for name, build in builds.items():
        session.out.print(f"{name}: build {build}", highlight=False)
    if not wait:
        return
    ended = images.wait_for_builds(builds, say=lambda text: session.messages.print(text, highlight=False))
    for one in ended:
        session.out.print(f"{one.image}: {one.status} {one.log}", highlight=False)
    if not all(one.went_well for one in ended):
        raise typer.Exit(1)
