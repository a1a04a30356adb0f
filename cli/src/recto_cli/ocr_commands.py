"""`recto ocr …`: parse, call, print."""

from typing import Annotated

import typer

from recto.steps.ocr_engine import SAGEMAKER
from recto_cli import ocr_setting
from recto_cli.session import Session

ocr_app = typer.Typer(no_args_is_help=True, help="What reads the documents: Textract, or an endpoint.")


@ocr_app.command("show")
def ocr_show(context: typer.Context) -> None:
    """Which OCR reads the next document."""
    session: Session = context.obj
    setting = ocr_setting.current(session.stack)
    unused = "" if setting.engine == SAGEMAKER else ", not in use"
    session.out.print(f"engine: {setting.engine}", highlight=False)
    session.out.print(f"endpoint: {setting.endpoint or 'none'}{unused}", highlight=False)
    if setting.fault:
        session.fail(setting.fault)


@ocr_app.command("use")
def ocr_use(
    context: typer.Context,
    engine: Annotated[str, typer.Argument(help="textract, or sagemaker")],
    endpoint: Annotated[
        str, typer.Option(help="With sagemaker: an asynchronous endpoint; the one used last unless said")
    ] = "",
) -> None:
    """Let the next documents be read by it; running ones keep theirs."""
    session: Session = context.obj
    chosen = ocr_setting.use(session.stack, engine, endpoint)
    told = f"{chosen.engine} ({chosen.endpoint})" if chosen.endpoint else chosen.engine
    session.out.print(f"the next documents are read by {told}", highlight=False)
