"""Which OCR reads the next document, as the deployment's parameters say, and how it is changed."""

from typing import NamedTuple

from recto.aws.sagemaker import SageMakerEndpoints
from recto.aws.services import UNDEFINED, ParameterStore
from recto.errors import ConfigurationError, ParameterMissingError
from recto.messages import OCR_ENGINES
from recto.ports import AsyncEndpoints, EndpointInfo
from recto.steps.async_inference import OCR, require_reachable, require_usable
from recto.steps.ocr_engine import SAGEMAKER, OcrChoice
from recto_cli.stack import CALLER, Stack

ENGINE, ENDPOINT = "config/OcrEngine", "config/SMOCREndpointName"


class OcrSetting(NamedTuple):
    """What the parameters say now; the endpoint may be named while it is not used."""

    engine: str
    endpoint: str
    fault: str = ""
    """Why the endpoint that is used cannot be."""


def current(stack: Stack, endpoints: AsyncEndpoints | None = None) -> OcrSetting:
    """The setting, with what is wrong with its endpoint."""
    engine, endpoint = _read(stack, ENGINE), _read(stack, ENDPOINT)
    if engine != SAGEMAKER:
        return OcrSetting(engine, endpoint)
    try:
        check_endpoint(stack, endpoint, endpoints)
    except ConfigurationError as error:
        return OcrSetting(engine, endpoint, str(error))
    return OcrSetting(engine, endpoint)


def use(stack: Stack, engine: str, endpoint: str = "", endpoints: AsyncEndpoints | None = None) -> OcrChoice:
    """Let the next documents be read by it; ConfigurationError before anything is changed."""
    if engine not in OCR_ENGINES:
        raise ConfigurationError(f"expected {' or '.join(OCR_ENGINES)}, got {engine!r}")
    store = ParameterStore(CALLER)
    if engine == SAGEMAKER:
        endpoint = endpoint or _read(stack, ENDPOINT)
        check_endpoint(stack, endpoint, endpoints)
        store.write(f"/{stack.project}/{ENDPOINT}", endpoint)
    elif endpoint:
        raise ConfigurationError(f"{engine} needs no endpoint, got {endpoint!r}")
    store.write(f"/{stack.project}/{ENGINE}", engine)
    return OcrChoice(engine, endpoint)


def check_endpoint(stack: Stack, endpoint: str, endpoints: AsyncEndpoints | None = None) -> EndpointInfo:
    """ConfigurationError for an endpoint that the pipeline could not use."""
    if not endpoint:
        raise ConfigurationError("which endpoint? say --endpoint NAME")
    require_reachable(endpoint, stack.project)
    found = (endpoints or SageMakerEndpoints(CALLER)).describe(endpoint)
    require_usable(endpoint, found, stack.name("static/OcrEndpointTopicArn"), stack.work, OCR)
    return found


def _read(stack: Stack, path: str) -> str:
    """As it says now, not when the command began; empty for undefined."""
    stack.name(path)
    try:
        value = ParameterStore(CALLER).read(f"/{stack.project}/{path}").strip()
    except ParameterMissingError:
        return ""
    return "" if value in UNDEFINED else value
