"""One ASGI app that answers as Textract, A2I's runtime and SageMaker (endpoints, flows, task UIs, labelling).

boto3 reaches it by AWS_ENDPOINT_URL_TEXTRACT, …_SAGEMAKER, …_SAGEMAKER_RUNTIME and …_SAGEMAKER_A2I_RUNTIME.
Paths below `/_local/` are ours alone; AWS has nothing like them.
"""

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from recto_local.standins import cbor
from recto_local.standins.a2i import HumanLoops
from recto_local.standins.access import AccessLog
from recto_local.standins.answers import ServiceError, cbor_answer, cbor_error, json_answer, json_error
from recto_local.standins.labelling import Labelling
from recto_local.standins.sagemaker_endpoints import Endpoints
from recto_local.standins.sagemaker_runtime import SageMakerRuntime
from recto_local.standins.textract import Textract

JSON_11 = "application/x-amz-json-1.1"
JSON = "application/json"


@dataclass(frozen=True)
class Services:
    """What the app answers for."""

    textract: Textract
    loops: HumanLoops
    endpoints: Endpoints
    inferences: SageMakerRuntime
    labelling: Labelling


def create_app(services: Services, access_log: AccessLog) -> Starlette:
    """The app; Textract's unfinished jobs go on when it starts, and stop with it."""
    front = _Front(services)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        services.textract.resume()
        services.inferences.resume()
        yield
        await run_in_threadpool(services.inferences.stop)
        await run_in_threadpool(services.textract.stop)

    routes = [
        Route("/", front.json_rpc, methods=["POST"]),
        Route("/service/{service}/operation/{operation}", front.cbor_rpc, methods=["POST"]),
        Route("/human-loops", front.start_loop, methods=["POST"]),
        Route("/human-loops", front.list_loops, methods=["GET"]),
        Route("/human-loops/stop", front.stop_loop, methods=["POST"]),
        Route("/human-loops/{name}", front.describe_loop, methods=["GET"]),
        Route("/human-loops/{name}", front.delete_loop, methods=["DELETE"]),
        Route("/endpoints/{name}/invocations", front.invoke, methods=["POST"]),
        Route("/endpoints/{name}/async-invocations", front.invoke_async, methods=["POST"]),
        Route("/_local/health", front.health, methods=["GET"]),
        Route("/_local/ocr-cache", front.remember_pages, methods=["POST"]),
        Route("/_local/faults", front.follow_plan, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(access_log.around)])


class _Front:
    """From the wire to a service's `call`, and back."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._targets: dict[str, Callable[[str, Any], dict[str, Any]]] = {
            "Textract": services.textract.call,
            "SageMaker": self._sagemaker,
        }

    def _sagemaker(self, operation: str, values: Any) -> dict[str, Any]:
        for part in (self._services.endpoints, self._services.labelling, self._services.loops):
            if operation in part.operations:
                return part.call(operation, values)
        raise ServiceError(
            "UnknownOperationException", f"SageMaker's {operation} is not answered by this stand-in"
        )

    async def json_rpc(self, request: Request) -> Response:
        service, _, operation = request.headers.get("x-amz-target", "").partition(".")
        try:
            call = self._target(service)
            _name_call(request, service, operation)
            values = _parsed(await request.body(), "SerializationException")
            return json_answer(await run_in_threadpool(call, operation, values), JSON_11)
        except ServiceError as error:
            return json_error(error, JSON_11)

    async def cbor_rpc(self, request: Request) -> Response:
        service, operation = request.path_params["service"], request.path_params["operation"]
        try:
            call = self._target(service)
            _name_call(request, service, operation)
            body = await request.body()
            values = cbor.loads(body) if body else {}
            return cbor_answer(await run_in_threadpool(call, operation, values))
        except cbor.CborError as error:
            return cbor_error(ServiceError("SerializationException", str(error)))
        except ServiceError as error:
            return cbor_error(error)

    def _target(self, service: str) -> Callable[[str, Any], dict[str, Any]]:
        if service not in self._targets:
            raise ServiceError("UnknownOperationException", f"no such service: {service}", 404)
        return self._targets[service]

    async def start_loop(self, request: Request) -> Response:
        return await self._loop_call(request, "StartHumanLoop", _parsed(await request.body()))

    async def stop_loop(self, request: Request) -> Response:
        return await self._loop_call(request, "StopHumanLoop", _parsed(await request.body()))

    async def list_loops(self, request: Request) -> Response:
        query: dict[str, Any] = dict(request.query_params)
        if query.get("MaxResults", "").isdigit():
            query["MaxResults"] = int(query["MaxResults"])
        return await self._loop_call(request, "ListHumanLoops", query)

    async def describe_loop(self, request: Request) -> Response:
        return await self._loop_call(
            request, "DescribeHumanLoop", {"HumanLoopName": request.path_params["name"]}
        )

    async def delete_loop(self, request: Request) -> Response:
        return await self._loop_call(
            request, "DeleteHumanLoop", {"HumanLoopName": request.path_params["name"]}
        )

    async def _loop_call(self, request: Request, operation: str, values: Any) -> Response:
        _name_call(request, "SageMakerA2IRuntime", operation)
        return await _rest(lambda: self._services.loops.call(operation, values))

    async def invoke(self, request: Request) -> Response:
        _name_call(request, "SageMakerRuntime", "InvokeEndpoint")
        values = _inference(request, SYNCHRONOUS_HEADERS) | {"Body": await request.body()}
        try:
            answer = await run_in_threadpool(self._services.inferences.invoke, values)
        except ServiceError as error:
            return json_error(error, JSON)
        headers = {"x-Amzn-Invoked-Production-Variant": "AllTraffic"}
        return Response(answer.body, 200, headers, answer.content_type or None)

    async def invoke_async(self, request: Request) -> Response:
        _name_call(request, "SageMakerRuntime", "InvokeEndpointAsync")
        values = _inference(request, ASYNCHRONOUS_HEADERS)
        try:
            found = await run_in_threadpool(self._services.inferences.invoke_async, values)
        except ServiceError as error:
            return json_error(error, JSON)
        places = {k: v for k, v in found.items() if k != "InferenceId"}
        headers = {f"X-Amzn-SageMaker-{name}": place for name, place in places.items()}
        return JSONResponse({"InferenceId": found["InferenceId"]}, 202, headers)

    async def remember_pages(self, request: Request) -> Response:
        folder = _parsed(await request.body()).get("folder")
        self._services.textract.remember_pages(Path(folder) if folder else None)
        return JSONResponse({"folder": folder})

    async def follow_plan(self, request: Request) -> Response:
        self._services.textract.follow(_parsed(await request.body()))
        return JSONResponse({})

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})


SYNCHRONOUS_HEADERS = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "InferenceId": "x-amzn-sagemaker-inference-id",
    "TargetVariant": "x-amzn-sagemaker-target-variant",
}
ASYNCHRONOUS_HEADERS = {
    "ContentType": "x-amzn-sagemaker-content-type",
    "Accept": "x-amzn-sagemaker-accept",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "InferenceId": "x-amzn-sagemaker-inference-id",
    "InputLocation": "x-amzn-sagemaker-inputlocation",
    "RequestTTLSeconds": "x-amzn-sagemaker-requestttlseconds",
    "InvocationTimeoutSeconds": "x-amzn-sagemaker-invocationtimeoutseconds",
}


def _inference(request: Request, headers: dict[str, str]) -> dict[str, Any]:
    """A call of SageMaker's runtime, whose parameters are headers; numbers as numbers."""
    given = {name: request.headers.get(header, "") for name, header in headers.items()}
    values: dict[str, Any] = {"EndpointName": request.path_params["name"], **given}
    for name, value in given.items():
        if name.endswith("Seconds") and value.isdigit():
            values[name] = int(value)
    return values


async def _rest(call: Callable[[], dict[str, Any]]) -> Response:
    try:
        return json_answer(await run_in_threadpool(call), JSON)
    except ServiceError as error:
        return json_error(error, JSON)


def _parsed(body: bytes, code: str = "") -> Any:
    """The body's JSON; without `code`, what is not JSON becomes an empty request, refused by its shape."""
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        if not code:
            return {}
        raise ServiceError(code, f"the body is not JSON: {error}") from error


def _name_call(request: Request, service: str, operation: str) -> None:
    request.state.call = (service, operation)
