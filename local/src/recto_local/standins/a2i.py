"""Amazon Augmented AI: human loops, flow definitions, task UIs, answered by the function `review_control`.

There people answer them at the workbench; programs do by that function's own operation `AnswerHumanLoop`.
"""

from typing import ClassVar

from recto_local.standins.deployed import ControlPlane

LOOP_OPERATIONS = frozenset(
    {"StartHumanLoop", "DescribeHumanLoop", "ListHumanLoops", "StopHumanLoop", "DeleteHumanLoop"}
)
"""Of A2I's runtime."""
FLOW_OPERATIONS = frozenset(
    {
        "CreateFlowDefinition", "DescribeFlowDefinition", "ListFlowDefinitions", "DeleteFlowDefinition",
        "CreateHumanTaskUi", "DescribeHumanTaskUi", "ListHumanTaskUis", "DeleteHumanTaskUi",
    }
)  # fmt: skip
"""Of SageMaker."""


class HumanLoops(ControlPlane):
    operations = FLOW_OPERATIONS
    parameter = "ReviewControlFunction"
    statuses: ClassVar = {"ResourceNotFoundException": 404, "ConflictException": 409}
