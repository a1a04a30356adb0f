"""Turns a finished run into a release folder: ONNX, tokenizer, fields, calibration, index with hashes.

The network is written in full precision and compared with torch. Eight-bit weights are an option: a
third of the size, but then a page's probabilities depend on which windows share a batch.
"""

import io
import logging
import warnings
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from recto.confidence import Calibration
from recto.fields import FieldList, parse_fields
from recto.inference import NO_WORD, Batch, PageEncoder, open_session
from recto.release import (
    CALIBRATION,
    FIELDS,
    INDEX,
    MODEL,
    TOKENIZER,
    Release,
    WindowSettings,
    dump_release,
    hash_files,
    parse_release,
)
from recto_training.encoders.model import WordModel
from recto_training.recipes import Recipe

THRESHOLDS = "thresholds.json"
INPUTS = ("input_ids", "attention_mask", "bbox")
LICENCE = "Apache-2.0"


def demo_fields() -> FieldList:
    """The 19 fields of credit card agreements, with our own guidance for annotators."""
    return parse_fields(fields_text())


def fields_text() -> str:
    return resources.files("recto_training").joinpath("fields.json").read_text(encoding="utf-8")


def to_onnx(network: WordModel) -> bytes:
    """The network in full precision, free in batch and length."""
    ids_BL = torch.randint(4, 20, (2, 9))
    example = (ids_BL, torch.ones_like(ids_BL), torch.randint(0, 1000, (2, 9, 4)))
    free = {0: torch.export.Dim("batch", min=1), 1: torch.export.Dim("length", min=2)}
    buffer = io.BytesIO()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of operators that nobody asked for
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            network.eval(),
            example,
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_shapes=(free, free, free),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ValueError("the exporter gave no program")
    program.save(buffer)
    return without_traces(buffer.getvalue())


def without_traces(model: bytes) -> bytes:
    """The same network without what the exporter notes of the machine: stack traces, with paths."""
    network = onnx.load_model_from_string(model)
    graph = network.graph
    noted = (network, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for part in (*noted, *network.functions, *(node for each in network.functions for node in each.node)):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return network.SerializeToString()


def quantise(model: bytes, folder: Path) -> bytes:
    """The same network with 8-bit weights for its matrices, a scale for each of their columns.

    Matrices that take in more than they give out stay as they are: what comes to them (behind a GELU, a few
    numbers far larger than all others) loses most by eight bits a number, and entities with it.
    """
    source, target = folder / "full.onnx", folder / "quantised.onnx"
    narrowing = _narrowing(onnx.load_model_from_string(model).graph)
    source.write_bytes(model)
    logging.disable(logging.WARNING)  # it advises steps that the export has done
    try:
        quantize_dynamic(
            source,
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=narrowing,
        )
    finally:
        logging.disable(logging.NOTSET)
    content = target.read_bytes()
    source.unlink()
    target.unlink()
    return content


def _narrowing(graph: onnx.GraphProto) -> list[str]:
    """Names of the products with a matrix of more rows than columns."""
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    products = (node for node in graph.node if node.op_type == "MatMul" and node.input[1] in shapes)
    return [node.name for node in products if shapes[node.input[1]][0] > shapes[node.input[1]][-1]]


def largest_difference(network: WordModel, model: bytes, batch: Batch) -> float:
    """How far torch and ONNX differ in any probability of any word's token."""
    with torch.no_grad():
        tensors = [torch.from_numpy(array) for array in batch[:3]]
        ours = network.eval()(*tensors).softmax(-1).numpy()
    theirs = run_onnx(model, batch)
    real = batch.attention_mask_BL == 1
    return float(np.abs(ours - theirs)[real].max())


def windows_of_chance(encoder: PageEncoder, num_tokens: int) -> Batch:
    """Windows of all lengths with tokens and boxes drawn by chance; enough to compare two networks."""
    rng = np.random.default_rng(7)
    size, longest = encoder.vocabulary_size, encoder.windows.max_tokens
    lengths = np.linspace(longest, 2, max(2, 2 * num_tokens // longest)).astype(int)
    shape = (len(lengths), longest)
    corners = np.sort(rng.integers(0, 1001, (*shape, 2, 2)), axis=2).reshape(*shape, 4)
    mask = (np.arange(longest) < lengths[:, None]).astype(np.int64)
    ids = np.where(mask == 1, rng.integers(0, size, shape), encoder.pad)
    return Batch(ids, mask, corners * mask[..., None], np.where(mask == 1, 0, NO_WORD))


def run_onnx(model: bytes, batch: Batch) -> NDArray[np.float32]:
    """Probabilities by the exported network."""
    feeds = dict(zip(INPUTS, batch[:3], strict=True))
    logits = open_session(model, threads=1).run(["logits"], feeds)[0]
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(-1, keepdims=True)
    return probabilities


def write_release(
    folder: Path, *, recipe: Recipe, model: bytes, tokenizer: str, figures: dict[str, Any], name: str
) -> Release:
    """A release with the default calibration; `recalibrate` replaces that one."""
    fields = demo_fields()
    onnx.checker.check_model(onnx.load_model_from_string(model))
    contents = {
        MODEL: model,
        TOKENIZER: tokenizer.encode(),
        FIELDS: fields_text().encode(),
        CALIBRATION: _calibration_file(Calibration.default()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    release = Release(
        schema_version=1,
        name=name,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        recipe=recipe.name,
        seed=recipe.seed,
        licence=LICENCE,
        labels=fields.labels,
        windows=WindowSettings(max_tokens=recipe.max_tokens, stride=recipe.stride),
        files=hash_files(contents),
        figures=figures,
    )
    (folder / INDEX).write_bytes(dump_release(release))
    return release


def amend_release(folder: Path, changed: dict[str, bytes], figures: dict[str, Any]) -> Release:
    """The release with some files replaced and figures added; its hashes follow."""
    release = parse_release((folder / INDEX).read_bytes())
    for file, content in changed.items():
        (folder / file).write_bytes(content)
    amended = release.model_copy(
        update={
            "files": {**release.files, **hash_files(changed)},
            "figures": {**release.figures, **figures},
        }
    )
    (folder / INDEX).write_bytes(dump_release(amended))
    return amended


def _calibration_file(calibration: Calibration) -> bytes:
    return (calibration.model_dump_json(indent=2) + "\n").encode()
