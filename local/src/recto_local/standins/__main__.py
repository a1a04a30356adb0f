"""Serves the stand-ins on 127.0.0.1.

    AWS_ENDPOINT_URL=http://127.0.0.1:4566 python -m recto_local.standins --port 4570 --state .recto/standins

S3 and SNS are reached as the environment says, which is to be the emulator.
"""

import argparse
import json
import logging
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import uvicorn
from botocore.config import Config

from recto.errors import ConfigurationError
from recto_local.fault_rules import FaultLog, Faults
from recto_local.standins.a2i import HumanLoops
from recto_local.standins.access import AccessLog
from recto_local.standins.app import Services, create_app
from recto_local.standins.containers import MODEL_IMAGE, model_containers
from recto_local.standins.labelling import Labelling
from recto_local.standins.reading import Readers
from recto_local.standins.sagemaker_endpoints import ContainerSpec, Endpoints
from recto_local.standins.sagemaker_runtime import AppContainer, MakeContainer, SageMakerRuntime
from recto_local.standins.textract import Quotas, Textract
from recto_local.standins.textract_faults import TextractFaults
from recto_ocr.configuration import OcrSettings
from recto_ocr.engines import ENGINES, engine_named
from recto_ocr.serve import OcrServer

OCR_IMAGE = "recto-ocr"
TRAINING_PYTHON = Path(__file__).resolve().parents[4] / ".venv-training" / "bin" / "python"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m recto_local.standins", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for jobs and endpoints")
    parser.add_argument("--access-log", type=Path, help="default: access.jsonl in the state folder")
    parser.add_argument("--languages", default="eng", help="of the OCR, as eng+deu")
    parser.add_argument(
        "--engine", default="tesseract", choices=sorted(ENGINES), help="what reads for Textract"
    )
    parser.add_argument(
        "--project", default="recto", help="whose control planes answer for labelling jobs and human loops"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="OCR processes")
    parser.add_argument(
        "--ocr-cache", type=Path, help="answer pages whose image was read before from this folder"
    )
    parser.add_argument(
        "--training-python", type=Path, default=TRAINING_PYTHON, help="what runs the containers of models"
    )
    parser.add_argument("--concurrent-jobs", type=int, default=100, help="Textract jobs at once")
    parser.add_argument(
        "--start-per-second", type=float, help="quota of Textract's Start and synchronous calls"
    )
    parser.add_argument("--get-per-second", type=float, help="quota of Textract's Get calls")
    parser.add_argument(
        "--plan", type=Path, help="faults and quotas, checked and with all defaults; its quotas go before"
    )
    parser.add_argument("--fault-log", type=Path, help="default: faults.jsonl in the state folder")
    return parser.parse_args()


def services(options: argparse.Namespace) -> Services:
    region = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
    config = Config(user_agent_appid="standins", retries={"mode": "standard", "max_attempts": 5})
    s3: Any = boto3.client("s3", region_name=region, config=config)
    sns: Any = boto3.client("sns", region_name=region, config=config)
    plan = json.loads(options.plan.read_text()) if options.plan else {}
    languages = tuple(options.languages.split("+"))
    readers = Readers(options.workers, options.ocr_cache, options.engine)
    faults = Faults({}, FaultLog(options.fault_log or options.state / "faults.jsonl"))
    quotas = Quotas(options.concurrent_jobs, options.start_per_second, options.get_per_second)
    textract = Textract(
        options.state / "textract", s3, sns, readers, languages, quotas, TextractFaults(faults)
    )
    textract.follow(plan)
    endpoints = Endpoints(options.state, region, time.time)
    images = {
        OCR_IMAGE: ocr_containers(options.workers, s3),
        MODEL_IMAGE: model_containers(options.training_python, options.state / "containers", s3),
    }
    inferences = SageMakerRuntime(options.state, endpoints, images, s3, sns)
    clients = cache(lambda service: _client(service, region, config))
    loops, labelling = HumanLoops(options.project, clients), Labelling(options.project, clients)
    return Services(textract, loops, endpoints, inferences, labelling)


def _client(service: str, region: str, config: Config) -> Any:
    return boto3.client(service, region_name=region, config=config)


def ocr_containers(workers: int, s3: Any) -> MakeContainer:
    """Containers of the OCR image: the server that runs in it, in this process."""

    def make(spec: ContainerSpec) -> AppContainer:
        settings = OcrSettings.read({"OCR_WORKERS": str(workers), **spec.environment})
        server = OcrServer(settings, lambda: s3)
        return AppContainer(server.app(), server.close)

    return make


def main() -> None:
    options = arguments()
    try:
        engine_named(options.engine).check(options.languages.split("+"))
    except ConfigurationError as error:
        raise SystemExit(f"stand-ins: {error}") from error
    options.state.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    log = AccessLog(options.access_log or options.state / "access.jsonl")
    app = create_app(services(options), log)
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", timeout_graceful_shutdown=5)


if __name__ == "__main__":
    main()
