"""Fakes and adapters have the methods that the ports ask for, parameter by parameter."""

import inspect
from typing import Any

import pytest

from recto import ports
from recto.aws.admission import SlotLeases
from recto.aws.backfills import BackfillRows
from recto.aws.dynamodb import AuditRows, DocumentRows, JobRows, ReviewRows
from recto.aws.s3 import S3Objects
from recto.aws.sagemaker import SageMakerEndpoints, SageMakerTextEndpoints
from recto.aws.services import (
    A2iHumanLoops,
    DeskHumanLoops,
    DeskQueue,
    EventExecutions,
    LambdaFunctions,
    ParameterStore,
    StepFunctionsWorkflow,
)
from recto.aws.textract import TextractOcr
from recto_workbench import ports as workbench_ports
from recto_workbench.aws.documents import WatchedRows
from recto_workbench.aws.services import LambdaLabellingFunctions, S3Links, SqsMessages
from recto_workbench.aws.tables import JobRows as LabellingJobRows
from recto_workbench.aws.tables import TaskRows, TeamRows
from recto_workbench.steps.document_status import WatchedDocuments
from tests.fakes import (
    FakeBackfills,
    FakeDesk,
    FakeEndpoints,
    FakeEvents,
    FakeLoops,
    FakeOcr,
    FakeParameters,
    FakeTextEndpoints,
    FakeWorkflow,
)
from tests.memory import MemoryAudits, MemoryDocuments, MemoryObjects, MemoryReviews, MemorySlots
from tests.review_fakes import WatchedMemory
from tests.workbench_fakes import (
    FakeFunctions,
    FakeLinks,
    FakeMessages,
    MemoryCopies,
    MemoryJobs,
    MemoryTasks,
    MemoryTeams,
    MemoryUploads,
)

IMPLEMENTATIONS = [
    (WatchedDocuments, WatchedRows),
    (WatchedDocuments, WatchedMemory),
    (ports.Documents, DocumentRows),
    (ports.Slots, SlotLeases),
    (ports.Jobs, JobRows),
    (ports.Reviews, ReviewRows),
    (ports.ObjectStore, S3Objects),
    (ports.Uploads, S3Objects),
    (ports.Copies, S3Objects),
    (ports.Workflow, StepFunctionsWorkflow),
    (ports.Workflow, FakeWorkflow),
    (ports.Ocr, TextractOcr),
    (ports.Ocr, FakeOcr),
    (ports.Backfills, BackfillRows),
    (ports.Backfills, FakeBackfills),
    (ports.Events, EventExecutions),
    (ports.Events, FakeEvents),
    (ports.Parameters, ParameterStore),
    (ports.Parameters, FakeParameters),
    (ports.HumanLoops, A2iHumanLoops),
    (ports.HumanLoops, DeskHumanLoops),
    (ports.HumanLoops, FakeLoops),
    (ports.Desk, DeskQueue),
    (ports.Desk, FakeDesk),
    (ports.Audits, AuditRows),
    (ports.Audits, MemoryAudits),
    (ports.AsyncEndpoints, SageMakerEndpoints),
    (ports.AsyncEndpoints, FakeEndpoints),
    (ports.TextEndpoints, SageMakerTextEndpoints),
    (ports.TextEndpoints, FakeTextEndpoints),
    (ports.Functions, LambdaFunctions),
    (ports.Documents, MemoryDocuments),
    (ports.Slots, MemorySlots),
    (ports.Reviews, MemoryReviews),
    (ports.ObjectStore, MemoryObjects),
    (ports.Uploads, MemoryUploads),
    (ports.Copies, MemoryCopies),
    (workbench_ports.JobStore, LabellingJobRows),
    (workbench_ports.JobStore, MemoryJobs),
    (workbench_ports.TaskStore, TaskRows),
    (workbench_ports.TaskStore, MemoryTasks),
    (workbench_ports.TeamStore, TeamRows),
    (workbench_ports.TeamStore, MemoryTeams),
    (workbench_ports.TaskFiles, S3Objects),
    (workbench_ports.TaskFiles, MemoryObjects),
    (workbench_ports.Links, S3Links),
    (workbench_ports.Links, FakeLinks),
    (workbench_ports.Messages, SqsMessages),
    (workbench_ports.Messages, FakeMessages),
    (workbench_ports.LabellingFunctions, LambdaLabellingFunctions),
    (workbench_ports.LabellingFunctions, FakeFunctions),
]


def methods(cls: type) -> dict[str, Any]:
    found = inspect.getmembers(cls, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_")}


@pytest.mark.parametrize(("port", "implementation"), IMPLEMENTATIONS, ids=lambda cls: cls.__name__)
def test_an_implementation_has_the_ports_methods(port: type, implementation: type) -> None:
    theirs = methods(implementation)

    for name, method in methods(port).items():
        wanted, seen = inspect.signature(method), inspect.signature(theirs[name])
        assert list(seen.parameters) == list(wanted.parameters), name
        assert [p.kind for p in seen.parameters.values()] == [p.kind for p in wanted.parameters.values()], (
            name
        )
