"""One settings model per function; the field names are the environment variables' names in lower case.

The shell reads them once and passes values on; nobody else looks at the environment.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from recto.errors import ParameterMissingError


class Settings(BaseModel):
    """Read from the environment by `read`; a missing name is reported by name."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        values = {name: environment[name.upper()] for name in cls.model_fields if name.upper() in environment}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            seen = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
            raise ParameterMissingError(f"{cls.__name__}: the environment does not fit: {seen}") from error


class TableSettings(Settings):
    document_table: str


class WorkSettings(Settings):
    work_bucket: str


class EventSettings(Settings):
    event_state_machine_arn: str


class TakingInSettings(TableSettings, EventSettings):
    dispatch_function: str
    max_document_bytes: Annotated[int, Field(gt=0)]


class IntakeSettings(TakingInSettings):
    inbox_bucket: str
    """Events of other buckets are refused."""


class BackfillSettings(TakingInSettings):
    pass


class DispatchSettings(TableSettings, WorkSettings, EventSettings):
    state_machine_arn: str
    release_parameter: str
    ocr_engine_parameter: str
    ocr_endpoint_parameter: str
    thumbnail_endpoint_parameter: str
    max_running_documents: Annotated[int, Field(gt=0)]
    ocr_timeout_seconds: Annotated[int, Field(gt=0)]
    model_timeout_seconds: Annotated[int, Field(gt=0)]
    backfill_share: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Of the slots, how many backfill may take part in."""
    pump_queue_url: str
    monthly_budget_usd: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    """Backfills start nothing that may pass it; 0 for none."""


class ReprocessSettings(TableSettings, WorkSettings):
    state_machine_arn: str
    release_parameter: str
    dispatch_function: str
    desk_function: str
    """The workbench's human loops."""


class TextractLimitSettings(TableSettings):
    """What of Textract is used at most; 0 for 90 % of the quota, or of its default in us-east-1."""

    textract_concurrent_jobs: Annotated[int, Field(ge=0)] = 0
    textract_start_per_second: Annotated[float, Field(ge=0)] = 0
    textract_get_per_second: Annotated[float, Field(ge=0)] = 0


class TextractGateSettings(TextractLimitSettings):
    notification_topic_arn: str
    notification_role_arn: str
    pump_queue_url: str
    ocr_timeout_seconds: Annotated[int, Field(gt=0)]


class TextractStartSettings(TextractGateSettings):
    default_textract_features: str = ""
    """Separated by commas; empty for text detection."""
    job_row_days: Annotated[int, Field(gt=0)]


class TextractPumpSettings(TextractGateSettings):
    pass


class TextractCallbackSettings(TextractGateSettings):
    pass


class TextractFetchSettings(WorkSettings, TextractLimitSettings):
    deadline_seconds: Annotated[float, Field(gt=0)]


class AskEndpointSettings(TableSettings, WorkSettings):
    notification_topic_arn: str
    job_row_days: Annotated[int, Field(gt=0)]


class HearEndpointSettings(TableSettings, WorkSettings):
    pass


class OcrEndpointStartSettings(AskEndpointSettings):
    pass


class OcrEndpointCallbackSettings(HearEndpointSettings):
    pass


class OcrEndpointStoreSettings(TableSettings, WorkSettings):
    pass


def _separated_by_commas(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


Pixels = Annotated[int, Field(gt=0)]


class PageImagesSettings(TableSettings, WorkSettings):
    max_pages: Annotated[int, Field(gt=0)]
    max_pixels: Annotated[int, Field(gt=0)]
    review_pixels: Annotated[int, Field(gt=0)]
    thumbnail_size: Annotated[tuple[Pixels, Pixels], BeforeValidator(_separated_by_commas)]
    """Width and height."""
    thumbnail_fit: Literal["stretch", "letterbox", "shortest"]
    thumbnail_colour: str
    thumbnail_max_side: Annotated[int, Field(ge=0)]
    """Of the longer edge under `shortest`; 0 for no limit."""


class ThumbnailEndpointStartSettings(AskEndpointSettings):
    pass


class ThumbnailEndpointStoreSettings(TableSettings, WorkSettings):
    pass


class ModelInvokeSettings(TableSettings, WorkSettings):
    model_threads: Annotated[int, Field(gt=0)]


class ModelEndpointStartSettings(AskEndpointSettings):
    pass


class ModelCallbackSettings(HearEndpointSettings):
    pass


class ModelEndpointStoreSettings(TableSettings, WorkSettings):
    pass


class EntityPostprocessSettings(TableSettings, WorkSettings):
    audit_share: Annotated[float, Field(ge=0, le=1)]


class AuditTriggerSettings(TableSettings, WorkSettings):
    flow_parameter: str
    desk_function: str
    """The workbench's human loops."""
    review_availability_seconds: Annotated[int, Field(gt=0)]


class ReviewTriggerSettings(AuditTriggerSettings):
    review_timeout_seconds: Annotated[int, Field(gt=0)]


class ReviewCallbackSettings(TableSettings, WorkSettings, EventSettings):
    reviews_bucket: str
    desk_queue_url: str
    audit_window: Annotated[int, Field(gt=0)]
    audit_drift_level: Annotated[float, Field(gt=0, lt=1)]


class ReviewExpirySettings(TableSettings, WorkSettings, EventSettings):
    desk_queue_url: str
    review_expiry: Literal["accept", "fail", "escalate"]
    review_availability_seconds: Annotated[int, Field(gt=0)]
    review_hold_seconds: Annotated[int, Field(ge=0)]
    review_timeout_seconds: Annotated[int, Field(gt=0)]


class PublishSettings(TableSettings, WorkSettings, EventSettings):
    audit_share: Annotated[float, Field(ge=0, le=1)]


class ReleaseMakeSettings(WorkSettings, EventSettings):
    project_id: str
    release_parameter: str
    fields_parameter: str
    endpoint_parameter: str
    notification_topic_arn: str
    """What endpoints of models must tell of their answers."""


class SmgtPreSettings(Settings):
    max_text_bytes: Annotated[int, Field(gt=0)]
    """Of a text to label."""


class SmgtPostSettings(Settings):
    min_agreement: Annotated[float, Field(ge=0, le=1)]
    """Below it an object is marked for adjudication."""
