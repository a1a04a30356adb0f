"""Where a training command finds its data and leaves its model: options, or a SageMaker job's channels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from recto.errors import ConfigurationError
from recto.fields import FieldList, dump_fields, parse_fields
from recto_training.caching import PageCache
from recto_training.corpus import (
    Corpus,
    ListCorpus,
    PartOfCorpus,
    document_ids,
    split_corpus,
    split_documents,
)
from recto_training.manifest_lines import OCR, SOURCE, read_lines
from recto_training.manifests import manifest_corpus
from recto_training.ocr_folder import Mapped, OcrFolder
from recto_training.settings import parsed

MANIFESTS = ("*.manifest", "*.jsonl", "*.manifest.json")
"""How manifests are called in a channel's folder."""
FIELDS = "fields.json"
JOB_CHECKPOINTS, JOB_CACHE = "/opt/ml/checkpoints", "/tmp/pages"  # noqa: S108 - in a job's own container
HELP = {
    "train": "folder of manifests (channel train); or name the manifests first",
    "validation": "folder of manifests, or a manifest, to validate on (channel validation)",
    "validation_share": "share of the documents to validate on where no validation is given",
    "textract": "folder of OCR results, Textract's JSON (channel textract)",
    "textract_prefix": "what of their URIs' keys (or s3://bucket/key) is the folder's place",
    "images": "folder of page images, for models that look at them (channel images)",
    "images_prefix": "the same for images",
    "map": "s3://bucket/prefix=folder, more of them parted by commas",
    "annotation_attr": "label attribute of the manifests; the only one by default",
    "fields": "field configuration (JSON); gives the labels, and figures by field",
    "num_labels": "number of labels, the one of no field too; checked",
    "max_train_samples": "train on so many documents, drawn by data_seed",
    "data_seed": "of the split and the draw",
    "cache": "folder of pages that were parsed before",
    "output_dir": "folder of the run, resumed where it has checkpoints",
    "model_dir": "folder for the model; the run's by default",
    "overwrite_output_dir": "begin anew in a folder with checkpoints",
}


@dataclass(frozen=True)
class JobData:
    """What is read and written; the names are the reference's."""

    manifests: tuple[str, ...] = ()
    train: str = ""
    validation: str = ""
    validation_share: float = 0.1
    textract: str = ""
    textract_prefix: str = ""
    images: str = ""
    images_prefix: str = ""
    map: str = ""
    annotation_attr: str = ""
    fields: str = ""
    num_labels: int = 0
    max_train_samples: int = 0
    data_seed: int = 1337
    cache: str = ".recto/training-cache"
    output_dir: str = ".recto/runs/latest"
    model_dir: str = ""
    overwrite_output_dir: bool = False

    @staticmethod
    def help() -> str:
        """The options, a line each."""
        return "\n".join(f"  --{name}: {text}" for name, text in HELP.items())

    @property
    def model_folder(self) -> Path:
        return Path(self.model_dir or self.output_dir)

    def corpora(self) -> tuple[Corpus, Corpus]:
        """Documents to train on and to validate on; DataError that lists what is wrong with any of them."""
        paths = [Path(one) for one in self.manifests] or manifests_in(self.train, "training")
        training = self._corpus(paths)
        if self.num_labels and self.num_labels != len(training.labels):
            raise ConfigurationError(
                f"num_labels {self.num_labels}: the data has {len(training.labels)} labels, "
                f"{', '.join(training.labels)}"
            )
        if self.validation:
            return self._sampled(training), self._corpus(manifests_in(self.validation, "validation"))
        if not self.validation_share:
            return self._sampled(training), ListCorpus((), training.labels)
        kept, held_out = split_corpus(training, self.validation_share, self.data_seed)
        return self._sampled(kept), held_out

    def _sampled(self, corpus: Corpus) -> Corpus:
        if not 0 < self.max_train_samples < len(corpus):
            return corpus
        _, drawn = split_documents(document_ids(corpus), self.max_train_samples / len(corpus), self.data_seed)
        return PartOfCorpus(corpus, drawn)

    def _corpus(self, paths: Sequence[Path]) -> Corpus:
        return manifest_corpus(paths, self.ocr_folder(paths), self.field_list(), label=self.annotation_attr)

    def ocr_folder(self, paths: Sequence[Path]) -> OcrFolder:
        """Where the manifests' references lie."""
        given = [Mapped.parse(text) for text in self.map.split(",") if text]
        by_channel = (
            *channel_maps(paths, OCR, self.textract, self.textract_prefix),
            *channel_maps(paths, SOURCE, self.images, self.images_prefix),
        )
        return OcrFolder(PageCache(Path(self.cache)), [*given, *by_channel], Path(self.textract))

    def field_list(self) -> FieldList | None:
        """The field configuration, where one is given."""
        return parse_fields(_text(Path(self.fields))) if self.fields else None

    def keep_fields(self) -> None:
        """Put the field configuration beside the model."""
        found = self.field_list()
        if found is not None:
            text = json.dumps(dump_fields(found), indent=2, ensure_ascii=False)
            (Path(self.output_dir) / FIELDS).write_text(text + "\n", encoding="utf-8")


def job_data(
    manifests: Sequence[str], values: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[JobData, dict[str, str]]:
    """The data options among some settings, and the other settings; channels of a SageMaker job count too."""
    chosen = job_places(environment)
    rest: dict[str, str] = {}
    types = get_type_hints(JobData)
    for name, text in values.items():
        if name in types and name != "manifests":
            chosen[name] = parsed(name, text, types[name])
        else:
            rest[name] = text
    return JobData(manifests=tuple(manifests), **chosen), rest


def job_places(environment: Mapping[str, str]) -> dict[str, Any]:
    """What SageMaker says of channels and of the model's place."""
    channels = ("train", "validation", "textract", "images")
    found = {name: environment.get(f"SM_CHANNEL_{name.upper()}", "") for name in channels}
    if model := environment.get("SM_MODEL_DIR"):
        found |= {"model_dir": model, "output_dir": JOB_CHECKPOINTS, "cache": JOB_CACHE}
    return {name: place for name, place in found.items() if place}


def manifests_in(place: str, part: str) -> list[Path]:
    """The manifests of a folder by name, or the one manifest; ConfigurationError where there is none."""
    path = Path(place)
    if place and path.is_file():
        return [path]
    found = sorted({one for pattern in MANIFESTS for one in path.glob(pattern)}) if place else []
    if not found:
        seen = (
            f"{place} holds none of {', '.join(MANIFESTS)}" if place else "no manifest and no channel train"
        )
        raise ConfigurationError(f"no {part} data: {seen}. Name a manifest: recto train labels.manifest")
    return found


def channel_maps(paths: Sequence[Path], key: str, folder: str, prefix: str) -> list[Mapped]:
    """For each bucket that the manifests name, which of its objects lie in a channel's folder.

    `prefix` is a key prefix, the same in each bucket, or a whole URI.
    """
    if not folder:
        return []
    if not Path(folder).is_dir():
        raise ConfigurationError(f"there is no folder {folder}")
    if prefix.startswith("s3://"):
        return [Mapped(prefix, Path(folder))]
    references = (str(line.content.get(key, "")) for line in read_lines(paths))
    buckets = {one.split("/")[2] for one in references if one.startswith("s3://")}
    return [Mapped(f"s3://{bucket}/{prefix}".rstrip("/"), Path(folder)) for bucket in sorted(buckets)]


def _text(path: Path) -> str:
    if not path.is_file():
        raise ConfigurationError(f"there is no field configuration {path}")
    return path.read_text(encoding="utf-8")
