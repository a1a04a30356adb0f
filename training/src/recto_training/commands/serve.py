"""`recto serve`: a model's endpoint on this machine, as SageMaker would run it."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from recto_training.serve import ENDPOINTS, MAX_REQUEST_BYTES, ModelServer, open_endpoint


def main(arguments: Sequence[str]) -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="recto serve", description=__doc__)
    parser.add_argument("--kind", choices=sorted(ENDPOINTS), default="word")
    parser.add_argument(
        "--model",
        type=Path,
        default=Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")),
        help="folder of a release or of a trained model; thumbnails need none",
    )
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 in a container")
    parser.add_argument("--port", type=int, default=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")))
    options = parser.parse_args(arguments)
    endpoint = open_endpoint(options.kind, options.model, os.environ)
    place = f"http://{options.host}:{options.port}/invocations"
    print(f"{options.kind} model answers at {place}", file=sys.stderr)
    limit = int(os.environ.get("MAX_REQUEST_BYTES", MAX_REQUEST_BYTES))
    uvicorn.run(ModelServer(endpoint, limit).app(), host=options.host, port=options.port, log_level="warning")
    return 0
