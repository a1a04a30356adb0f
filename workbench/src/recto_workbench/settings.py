"""Settings of the labelling functions, one model each; read by the shells from the environment."""

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
    project_id: str
    event_bus: str
    post_function: str
    """Consolidates where a job names AWS's own functions."""


class LabellingExpirySettings(LabellingConsolidateSettings):
    pass
