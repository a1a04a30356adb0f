"""One way to ask a word model, whatever it lies in: a release (ONNX) or a model folder (torch).

The embedded model, the endpoint and the laptop all go through `recto.inference.classify_pages`, with the
same windows, the same batches and the same mean over sub-words and windows; only the arithmetic differs.
torch is imported for a model folder only.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from recto.document import Page
from recto.errors import ReleaseError
from recto.inference import BatchLimits, Forward, PageEncoder, Picture, Verdict, WordClassifier
from recto.release import INDEX

WEIGHTS = "model.safetensors"


class Precision(StrEnum):
    """What a model folder is multiplied in; a release has its own."""

    FLOAT32 = "float32"
    """Says what the embedded model of a float release says, to 0.001 in every probability."""
    BFLOAT16 = "bfloat16"
    """Where the hardware does so natively, else float32. Faster; probabilities change by some hundredths."""


class WordModel(NamedTuple):
    """A word model that is ready to answer."""

    name: str
    labels: tuple[str, ...]
    """By class id; the last one means 'no field'."""
    verdicts: Callable[[Iterable[tuple[Page, Picture]]], Iterator[Verdict]]
    """What it says of page after page, in their order."""
    wants_pictures: bool = False
    windows: "Windows | None" = None
    """For figures over windows; a model that cannot give them has none."""


class Windows(NamedTuple):
    """The parts that `verdicts` is made of."""

    encoder: PageEncoder
    forward: Forward
    limits: BatchLimits


class HowToRun(NamedTuple):
    """What changes the speed of a model and, but for rounding, nothing that it says."""

    threads: int = 0
    """0 for one per core that this process may use."""
    batch_size: int = 8
    """Windows in a batch, at most; on a CPU fewer, where these hold more than some 1,000 tokens."""
    multiple_of: int = 8
    """Tokens that windows of a model folder are padded to a multiple of; a release's are not."""
    precision: Precision = Precision.FLOAT32


def open_word_model(folder: Path, how: HowToRun = HowToRun()) -> WordModel:  # noqa: B008 - a tuple of numbers
    """The model in a folder; ConfigurationError where there is none, or where its parts do not fit."""
    if (folder / INDEX).is_file():
        return _of_release(folder, how)
    if (folder / WEIGHTS).is_file():
        return _of_model_folder(folder, how)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    raise ReleaseError(
        f"{folder.name}: neither a release ({INDEX}) nor a trained model ({WEIGHTS}); seen "
        f"{', '.join(names[:12]) or 'nothing'}"
    )


def _of_release(folder: Path, how: HowToRun) -> WordModel:
    classifier = WordClassifier.load(folder, threads=how.threads or num_cores(), batch_size=how.batch_size)
    windows = Windows(classifier.encoder, classifier.forward, BatchLimits())
    release = classifier.release
    return WordModel(release.name, release.labels, classifier.verdicts, windows=windows)


def _of_model_folder(folder: Path, how: HowToRun) -> WordModel:
    import torch  # noqa: PLC0415 - a container of releases has no torch
    from PIL import Image  # noqa: PLC0415 - the same

    from recto_training.images import square  # noqa: PLC0415 - the same
    from recto_training.models import load_model  # noqa: PLC0415 - the same

    limits = BatchLimits(windows=how.batch_size, multiple_of=how.multiple_of)
    if torch.cuda.is_available():
        limits = limits._replace(tokens=how.batch_size * 512)
    else:  # a batch on each core waits for nobody; threads within a batch wait for each other at every step
        limits = limits._replace(at_once=how.threads or num_cores())
    model = load_model(folder, half=how.precision is Precision.BFLOAT16, threads=1, limits=limits)

    def verdicts(pages: Iterable[tuple[Page, Picture]]) -> Iterator[Verdict]:
        """Pictures of any size are stretched to the square that the model reads."""
        return model.verdicts(
            (page, None if seen is None else square(Image.fromarray(seen))) for page, seen in pages
        )

    windows = Windows(model.encoder, model.forward, limits)
    return WordModel(folder.name, model.labels, verdicts, model.wants_pictures, windows)


def num_cores() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
