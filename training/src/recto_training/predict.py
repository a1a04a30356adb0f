"""One way to ask a word model, whatever it lies in: a release (ONNX) or a model folder (torch).

The embedded model, the endpoint and the laptop all go through `recto.inference.classify_pages`, with the
same windows, the same batches and the same mean over sub-words and windows; only the arithmetic differs.
torch is imported for a model folder only.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from recto.document import Page
from recto.errors import ReleaseError
from recto.inference import (
    BatchLimits,
    Forward,
    PageEncoder,
    Picture,
    Verdict,
    WordClassifier,
    classify_pages,
)
from recto.release import INDEX

WEIGHTS = "model.safetensors"


class WordModel(NamedTuple):
    """A word model that is ready to answer."""

    name: str
    labels: tuple[str, ...]
    """By class id; the last one means 'no field'."""
    encoder: PageEncoder
    forward: Forward
    limits: BatchLimits
    wants_pictures: bool = False

    def verdicts(self, pages: Iterable[tuple[Page, Picture]]) -> Iterator[Verdict]:
        """What it says of page after page, in their order."""
        return classify_pages(pages, self.encoder, self.forward, len(self.labels), self.limits)


def open_word_model(
    folder: Path, *, threads: int = 0, batch_size: int = 8, multiple_of: int = 8
) -> WordModel:
    """The model in a folder; ReleaseError where there is none, or where its parts do not fit together.

    `batch_size` counts windows of full length, of shorter ones more go into a batch. `threads` 0 means one
    per core that this process may use.
    """
    threads = threads or num_cores()
    if (folder / INDEX).is_file():
        return _of_release(WordClassifier.load(folder, threads=threads), batch_size, multiple_of)
    if (folder / WEIGHTS).is_file():
        return _of_model_folder(folder, threads, batch_size, multiple_of)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    raise ReleaseError(
        f"{folder.name}: neither a release ({INDEX}) nor a trained model ({WEIGHTS}); seen "
        f"{', '.join(names[:12]) or 'nothing'}"
    )


def _of_release(classifier: WordClassifier, batch_size: int, multiple_of: int) -> WordModel:
    release = classifier.release
    limits = BatchLimits(tokens=batch_size * release.windows.max_tokens, multiple_of=multiple_of)
    return WordModel(release.name, release.labels, classifier.encoder, classifier.forward, limits)


def _of_model_folder(folder: Path, threads: int, batch_size: int, multiple_of: int) -> WordModel:
    import torch  # noqa: PLC0415 - a container that serves a release goes without

    from recto_training.models import load_model  # noqa: PLC0415 - the same

    torch.set_num_threads(threads)
    model = load_model(folder)
    limits = BatchLimits(tokens=batch_size * model.encoder.windows.max_tokens, multiple_of=multiple_of)
    return WordModel(
        folder.name, tuple(model.labels), model.encoder, model.forward, limits, model.wants_pictures
    )


def num_cores() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
