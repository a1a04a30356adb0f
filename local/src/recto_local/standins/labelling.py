"""Labelling jobs and work teams of the SageMaker API: answered by the function `labelling_control`."""

from recto_local.standins.deployed import ControlPlane

OPERATIONS = frozenset(
    {
        "CreateLabelingJob", "DescribeLabelingJob", "ListLabelingJobs", "ListLabelingJobsForWorkteam",
        "StopLabelingJob", "RenderUiTemplate", "CreateWorkteam", "DescribeWorkteam", "ListWorkteams",
        "UpdateWorkteam", "DeleteWorkteam", "DescribeWorkforce", "ListWorkforces", "ListSubscribedWorkteams",
    }
)  # fmt: skip


class Labelling(ControlPlane):
    operations = OPERATIONS
    parameter = "LabellingControlFunction"
