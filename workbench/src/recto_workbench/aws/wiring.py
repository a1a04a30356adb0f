"""The workbench's steps with everything that they need on AWS."""

from collections.abc import Callable
from datetime import datetime

from recto.aws.dynamodb import Table
from recto.aws.s3 import S3Objects
from recto.aws.services import EventExecutions
from recto.aws.shell import utc_now
from recto_workbench.aws.loop_tables import FlowRows, LoopRows
from recto_workbench.aws.services import (
    LONGEST_POST_CALL,
    LONGEST_PRE_CALL,
    LambdaLabellingFunctions,
    S3Links,
    SqsDeskQueue,
    SqsMessages,
    new_id,
)
from recto_workbench.aws.tables import JobRows, TaskRows, TeamRows
from recto_workbench.settings import (
    LabellingConsolidateSettings,
    LabellingIntakeSettings,
    QueueSettings,
    WorkbenchTableSettings,
)
from recto_workbench.steps.assignment import Desk
from recto_workbench.steps.consolidation import Consolidation
from recto_workbench.steps.desk import ReviewDesk
from recto_workbench.steps.intake import Intake


def messages_of(caller: str, settings: QueueSettings) -> SqsMessages:
    return SqsMessages(caller, settings.intake_queue_url, settings.consolidation_queue_url)


def desk_of(
    caller: str,
    settings: WorkbenchTableSettings,
    queues: QueueSettings,
    work_bucket: str,
    clock: Callable[[], datetime] = utc_now,
) -> Desk:
    """Where tasks are handed out: for the web, for the control plane, for expiry."""
    table = Table(settings.workbench_table, caller)
    return Desk(
        jobs=JobRows(table),
        tasks=TaskRows(table),
        teams=TeamRows(table),
        objects=S3Objects(caller),
        links=S3Links(caller),
        messages=messages_of(caller, queues),
        clock=clock,
        make_id=new_id,
        work_bucket=work_bucket,
    )


def review_desk_of(caller: str, table: Table, queue_url: str, work_bucket: str) -> ReviewDesk:
    """Where reviews are handed out: for the web, for A2I's operations, for what becomes of answers."""
    return ReviewDesk(
        loops=LoopRows(table),
        flows=FlowRows(table),
        teams=TeamRows(table),
        objects=S3Objects(caller),
        links=S3Links(caller),
        queue=SqsDeskQueue(caller, queue_url),
        clock=utc_now,
        make_id=new_id,
        work_bucket=work_bucket,
    )


def intake_of(caller: str, settings: LabellingIntakeSettings) -> Intake:
    table = Table(settings.workbench_table, caller)
    return Intake(
        jobs=JobRows(table),
        tasks=TaskRows(table),
        objects=S3Objects(caller),
        functions=LambdaLabellingFunctions(caller, LONGEST_PRE_CALL),
        messages=messages_of(caller, settings),
        clock=utc_now,
        work_bucket=settings.work_bucket,
    )


def consolidation_of(caller: str, settings: LabellingConsolidateSettings) -> Consolidation:
    table, objects = Table(settings.workbench_table, caller), S3Objects(caller)
    return Consolidation(
        jobs=JobRows(table),
        tasks=TaskRows(table),
        objects=objects,
        uploads=objects,
        functions=LambdaLabellingFunctions(caller, LONGEST_POST_CALL),
        messages=messages_of(caller, settings),
        events=EventExecutions(caller, settings.event_state_machine_arn),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        own_post_function=settings.post_function,
    )
