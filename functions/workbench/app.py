"""The workbench's pages and API, for browsers: behind API Gateway, with payloads of version 2.0."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mangum import Mangum

from recto.aws.dynamodb import Table
from recto.aws.s3 import S3Objects
from recto.aws.shell import settings_of, utc_now
from recto.places import Location
from recto_workbench.aws.documents import ReprocessFunction, WatchedRows
from recto_workbench.aws.services import S3Links, SqsMessages, new_id
from recto_workbench.aws.sessions import SessionRows
from recto_workbench.aws.tables import JobRows, TaskRows, TeamRows
from recto_workbench.aws.wiring import review_desk_of
from recto_workbench.grants import object_source
from recto_workbench.steps.assignment import Desk
from recto_workbench.steps.document_status import Consoles, Watch
from recto_workbench.steps.review_pages import PageFiles
from recto_workbench.web.answers import too_large
from recto_workbench.web.app import create_app
from recto_workbench.web.cognito import Client, CognitoTokens
from recto_workbench.web.pages import PAGES
from recto_workbench.web.parts import Web
from recto_workbench.web.settings import WorkbenchSettings
from recto_workbench.web.sign_in import Door

CALLER = "recto-workbench"
MOST_ANSWER_BYTES = 6_000_000
"""Lambda's limit is 6 MB, a little more than this."""
logger = Logger()


@cache
def wiring() -> Mangum:
    settings = settings_of(WorkbenchSettings)
    table = Table(settings.workbench_table, CALLER)
    links = S3Links(CALLER)
    desk = Desk(
        jobs=JobRows(table),
        tasks=TaskRows(table),
        teams=TeamRows(table),
        objects=S3Objects(CALLER),
        links=links,
        messages=SqsMessages(CALLER, settings.intake_queue_url, settings.consolidation_queue_url),
        clock=utc_now,
        make_id=new_id,
        work_bucket=settings.work_bucket,
    )
    sources = page_sources(settings, links)
    reviews = review_desk_of(CALLER, table, settings.desk_queue_url, settings.work_bucket)
    rows = WatchedRows(Table(settings.document_table, CALLER))
    files = PageFiles(desk.objects, links, settings.work_bucket, settings.inbox_bucket, rows.find)
    web = Web(
        desk=desk,
        reviews=reviews,
        files=files,
        watch=watch(settings, rows, files, sources)._replace(loop=reviews.loops.loop),
        door=door(settings, table),
        pages=PAGES,
        page_sources=sources,
        aws_elements=settings.crowd_elements == "aws",
    )
    return Mangum(create_app(web), lifespan="off")


def watch(
    settings: WorkbenchSettings, rows: WatchedRows, files: PageFiles, sources: tuple[str, ...]
) -> Watch:
    """The status page; where AWS is stood in for, there are no pages of AWS to link to."""
    is_aws = all(".amazonaws." in source for source in sources)
    return Watch(
        documents=rows,
        files=files,
        reprocess=ReprocessFunction(CALLER, settings.reprocess_function),
        clock=utc_now,
        make_id=new_id,
        consoles=Consoles(settings.state_machine_arn if is_aws else ""),
    )


def door(settings: WorkbenchSettings, table: Table) -> Door:
    client = Client(
        client_id=settings.sign_in_client,
        provider_url=settings.sign_in_url,
        keys_url=settings.sign_in_keys_url,
        issuer=settings.sign_in_issuer,
    )
    return Door(
        sessions=SessionRows(table),
        tokens=CognitoTokens(client),
        clock=utc_now,
        url=settings.workbench_url,
        provider_url=settings.sign_in_url,
        client_id=settings.sign_in_client,
    )


def page_sources(settings: WorkbenchSettings, links: S3Links) -> tuple[str, ...]:
    """Where links to our buckets lead, whatever S3's endpoint is here."""
    places = [Location(bucket=bucket, key="any") for bucket in (settings.work_bucket, settings.inbox_bucket)]
    return tuple(object_source(place, links.to_read(place, 60).url) for place in places)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    response = wiring()(event, context)
    return too_large(response, MOST_ANSWER_BYTES) or dict(response)
