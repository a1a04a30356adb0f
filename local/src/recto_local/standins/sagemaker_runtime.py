"""SageMaker's runtime: inferences of endpoints whose containers are web apps of this repository.

Synchronous ones are answered at once; asynchronous ones are taken in, kept on disk until they have ended,
and end with an object in S3 and a message on one of the endpoint's topics. A restarted stand-in goes on.
"""

import asyncio
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from starlette.types import ASGIApp

from recto.errors import ConfigurationError
from recto_local.standins.answers import ServiceError
from recto_local.standins.records import Records
from recto_local.standins.sagemaker_endpoints import ACCOUNT, ContainerSpec, Endpoints
from recto_local.standins.shapes import ShapeError, checked, operation_model

logger = logging.getLogger(__name__)

PAUSES = (0.5, 1, 2, 4, 8, 15, 30)
"""Seconds between attempts to reach S3 or SNS."""
AT_ONCE = 2
"""Asynchronous inferences worked on at once; the others wait in order."""
SYNCHRONOUS_SECONDS = 60
SHOWN = 1024


class ContainerAnswer(NamedTuple):
    """What a container says to one invocation."""

    status: int
    content_type: str
    body: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


class Container(Protocol):
    """What answers for a model."""

    def invoke(self, body: bytes, content_type: str, accept: str, seconds: float) -> ContainerAnswer:
        """TimeoutError where it takes longer."""
        ...

    @property
    def is_alive(self) -> bool: ...

    def close(self) -> None: ...


MakeContainer = Callable[[ContainerSpec], Container]
"""ConfigurationError where it cannot start."""


class AppContainer:
    """A web app with `/invocations`, called in this process as SageMaker calls it over the network."""

    def __init__(self, app: ASGIApp, close: Callable[[], None]) -> None:
        self._app, self.close, self.is_alive = app, close, True

    def invoke(self, body: bytes, content_type: str, accept: str, seconds: float) -> ContainerAnswer:
        return asyncio.run(asyncio.wait_for(self._post(body, content_type, accept), seconds))

    async def _post(self, body: bytes, content_type: str, accept: str) -> ContainerAnswer:
        transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
        headers = {
            name: value for name, value in (("content-type", content_type), ("accept", accept)) if value
        }
        async with httpx.AsyncClient(transport=transport, base_url="http://container:8080") as client:
            answer = await client.post("/invocations", content=body, headers=headers, timeout=None)
        return ContainerAnswer(answer.status_code, answer.headers.get("content-type", ""), answer.content)


class _Running(NamedTuple):
    made: float
    """When the endpoint was made that it belongs to."""
    container: Container


class SageMakerRuntime:
    """The service. `images` says which containers this machine can run, by the image's name."""

    def __init__(
        self,
        folder: Path,
        endpoints: Endpoints,
        images: Mapping[str, MakeContainer],
        s3: Any,
        sns: Any,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._records = Records(folder / "inferences")
        self._endpoints, self._images = endpoints, images
        self._s3, self._sns, self._pauses = s3, sns, pauses
        self._containers: dict[str, _Running] = {}
        self._making = threading.Lock()
        self._stopping = threading.Event()
        self._drivers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="inference")

    def resume(self) -> None:
        """Go on with what an earlier process left unfinished."""
        for record in sorted(self._records.all(), key=lambda record: record["Received"]):
            self._drivers.submit(self._drive, record)

    def stop(self) -> None:
        """Leave unfinished inferences as they are, on disk."""
        self._stopping.set()
        for running in self._containers.values():
            running.container.close()
        self._drivers.shutdown(wait=True, cancel_futures=True)

    # ---- the two calls

    def invoke(self, request: dict[str, Any]) -> ContainerAnswer:
        """InvokeEndpoint; ServiceError for a refusal, ModelError for one of the container's."""
        values = _checked("InvokeEndpoint", request)
        name = values["EndpointName"]
        endpoint = self._found(name)
        if "AsyncInferenceConfig" in endpoint:
            raise ServiceError("ValidationError", f"Endpoint {name} is asynchronous: use InvokeEndpointAsync")
        given = (values.get("Body", b""), values.get("ContentType", ""), values.get("Accept", ""))
        try:
            answer = self._container(endpoint).invoke(*given, SYNCHRONOUS_SECONDS)
        except TimeoutError:
            answer = ContainerAnswer(504, "", b"Your invocation timed out while waiting for a response")
        if not answer.is_good:
            said = answer.body[:SHOWN].decode(errors="replace")
            raise ServiceError("ModelError", _received(answer.status, said), 424)
        return answer

    def invoke_async(self, request: dict[str, Any]) -> dict[str, Any]:
        """InvokeEndpointAsync: where answer and failure will be, by the names of its response."""
        values = _checked("InvokeEndpointAsync", request)
        name = values["EndpointName"]
        endpoint = self._found(name)
        if "AsyncInferenceConfig" not in endpoint:
            raise ServiceError("ValidationError", f"Endpoint {name} is not asynchronous: use InvokeEndpoint")
        if not values.get("InputLocation", "").startswith("s3://"):
            raise ServiceError("ValidationError", "InputLocation: expected an S3 URI")
        output = endpoint["AsyncInferenceConfig"]["OutputConfig"]
        unique = str(uuid.uuid4())
        record = {
            "Request": {k: v for k, v in values.items() if not isinstance(v, bytes)},
            "InferenceId": values.get("InferenceId") or unique,
            "OutputLocation": f"{output['S3OutputPath'].rstrip('/')}/{unique}.out",
            "Received": time.time(),
        }
        if "S3FailurePath" in output:
            record["FailureLocation"] = f"{output['S3FailurePath'].rstrip('/')}/{unique}-error.out"
        self._records.save(unique, record | {"Name": unique})
        self._drivers.submit(self._drive, record | {"Name": unique})
        return {k: record[k] for k in ("InferenceId", "OutputLocation", "FailureLocation") if k in record}

    def _found(self, name: str) -> dict[str, Any]:
        endpoint = self._endpoints.find(name)
        if endpoint is None:
            raise ServiceError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
        return endpoint

    def _container(self, endpoint: Mapping[str, Any]) -> Container:
        """Made at the first call, since most runs ask for none; anew for an endpoint that was made anew."""
        name, made = endpoint["EndpointName"], endpoint["CreationTime"]
        with self._making:
            known = self._containers.get(name)
            if known and known.made == made and known.container.is_alive:
                return known.container
            if known:
                self._containers.pop(name).container.close()
            container = self._start(name, self._endpoints.container_of(endpoint))
            self._containers[name] = _Running(made, container)
            return container

    def _start(self, name: str, spec: ContainerSpec) -> Container:
        if spec.image not in self._images:
            here = ", ".join(sorted(self._images))
            raise ServiceError("ModelError", f"image {spec.image} is not on this machine; here: {here}", 424)
        try:
            return self._images[spec.image](spec)
        except ConfigurationError as error:
            raise ServiceError("ModelError", f"container of {name}: {error}", 424) from error

    # ---- the asynchronous way

    def _drive(self, record: dict[str, Any]) -> None:
        """One inference to its end; what cannot be told now is told after the next start."""
        try:
            ending = self._persistently(lambda: self._ending(record))
            if ending is not None:
                topic, message = ending
                if topic:
                    self._persistently(lambda: self._sns.publish(TopicArn=topic, Message=json.dumps(message)))
                self._records.delete(record["Name"])
        except (BotoCoreError, ClientError) as error:
            logger.warning("inference %s waits for the next start: %s", record["InferenceId"], error)
        except Exception:  # the outermost edge of this thread
            logger.exception("inference %s failed by a fault of the stand-in", record["InferenceId"])

    def _persistently(self, action: Callable[[], Any]) -> Any:
        """Repeat while S3 or SNS cannot be reached; None when everything stops meanwhile."""
        for pause in self._pauses:
            try:
                return action()
            except BotoCoreError as error:
                logger.warning("%s; next attempt in %s s", error, pause)
                if self._stopping.wait(pause):
                    return None
        return action()

    def _ending(self, record: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """The topic to tell and what; the answer or the failure lies in S3 by then. None when stopping."""
        request = record["Request"]
        endpoint = self._endpoints.find(request["EndpointName"])
        if endpoint is None:
            return "", {}
        try:
            answer = self._answer(record, endpoint)
        except ServiceError as error:
            answer = ContainerAnswer(424, "text/plain", error.message.encode())
        if self._stopping.is_set():
            return None
        output = endpoint["AsyncInferenceConfig"]["OutputConfig"]
        topics = output.get("NotificationConfig", {})
        place = record["OutputLocation"] if answer.is_good else record.get("FailureLocation", "")
        if place:
            self._put(place, answer)
        message = _notice(record, answer)
        return topics.get("SuccessTopic" if answer.is_good else "ErrorTopic", ""), message

    def _answer(self, record: dict[str, Any], endpoint: Mapping[str, Any]) -> ContainerAnswer:
        request = record["Request"]
        bucket, key = _bucket_and_key(request["InputLocation"])
        try:
            stored = self._s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            raise ServiceError(
                "ValidationError", f"Unable to read {request['InputLocation']}: {error}"
            ) from error
        given = (stored["Body"].read(), request.get("ContentType", ""), request.get("Accept", ""))
        try:
            return self._container(endpoint).invoke(*given, request.get("InvocationTimeoutSeconds", 900))
        except TimeoutError:
            return ContainerAnswer(
                504, "text/plain", b"The inference took longer than InvocationTimeoutSeconds"
            )

    def _put(self, place: str, answer: ContainerAnswer) -> None:
        bucket, key = _bucket_and_key(place)
        kind = answer.content_type or "application/octet-stream"
        self._s3.put_object(Bucket=bucket, Key=key, Body=answer.body, ContentType=kind)


def _checked(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    model = operation_model("sagemaker-runtime", operation)
    if model is None:
        raise ServiceError("UnknownOperationException", operation, 404)
    try:
        return checked(model, {name: value for name, value in request.items() if value not in (None, "")})
    except ShapeError as error:
        raise ServiceError("ValidationError", str(error)) from error


def _notice(record: Mapping[str, Any], answer: ContainerAnswer) -> dict[str, Any]:
    """The message as the service words it."""
    request, now = record["Request"], datetime.now(UTC).isoformat(timespec="milliseconds")
    given = {"endpointName": request["EndpointName"], "inputLocation": request["InputLocation"]}
    given |= {"contentType": request["ContentType"]} if "ContentType" in request else {}
    given |= {"customAttributes": request["CustomAttributes"]} if "CustomAttributes" in request else {}
    message: dict[str, Any] = {
        "awsRegion": "us-east-1",
        "eventTime": now.replace("+00:00", "Z"),
        "receivedTime": datetime.fromtimestamp(record["Received"], UTC).isoformat().replace("+00:00", "Z"),
        "invocationStatus": "Completed" if answer.is_good else "Failed",
        "requestParameters": given,
        "inferenceId": record["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if answer.is_good:
        place = {"contentType": answer.content_type, "outputLocation": record["OutputLocation"]}
        return message | {"responseParameters": place}
    said = answer.body[:SHOWN].decode(errors="replace")
    return message | {"failureReason": f"ClientError: {_received(answer.status, said)}"}


def _received(status: int, said: str) -> str:
    whose = "client" if status < 500 else "server"
    return f'Received {whose} error ({status}) from primary with message "{said}".'


def _bucket_and_key(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
