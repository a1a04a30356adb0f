"""Settings of the labelling functions, one model each; read by the shells from the environment."""

from typing import Annotated

from pydantic import Field

from recto.settings import Settings, WorkSettings


class WorkbenchTableSettings(Settings):
    workbench_table: str


class QueueSettings(Settings):
    intake_queue_url: str
    consolidation_queue_url: str


class LabellingControlSettings(WorkbenchTableSettings, QueueSettings, WorkSettings):
    pass


class LabellingIntakeSettings(WorkbenchTableSettings, QueueSettings, WorkSettings):
    pass


class LabellingConsolidateSettings(WorkbenchTableSettings, QueueSettings, WorkSettings):
    event_state_machine_arn: str
    post_function: str
    """Consolidates where a job names AWS's own functions."""


class LabellingExpirySettings(LabellingConsolidateSettings):
    pass


class DeskQueueSettings(Settings):
    desk_queue_url: str


class ReviewControlSettings(WorkbenchTableSettings, DeskQueueSettings, WorkSettings):
    reviews_bucket: str
    reviewers_per_document: Annotated[int, Field(ge=1, le=3)]
    review_availability_seconds: Annotated[int, Field(gt=0)]
    review_claim_seconds: Annotated[int, Field(ge=30)]


class ReviewDeskSettings(WorkbenchTableSettings, DeskQueueSettings, WorkSettings):
    review_hold_seconds: Annotated[int, Field(ge=0, le=3600)]
