"""Where a training command finds its data and leaves its model: options, or a SageMaker job's channels.

The options of labelled data are those of every command (`sources`); names may be written with dashes or with
underscores, as the reference's jobs write them. What is no option of data is a setting of the recipe.
"""

import json
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from recto.errors import ConfigurationError
from recto.fields import FieldList, dump_fields
from recto_training.balance import balance_of, table_of
from recto_training.corpus import (
    Corpus,
    ListCorpus,
    PartOfCorpus,
    document_ids,
    fair_part,
    split_corpus,
    split_documents,
)
from recto_training.ocr_folder import ANY_BUCKET
from recto_training.settings import FALSE, TRUE, job_settings, named_values
from recto_training.sources import add_data_arguments, open_corpus, open_fields

MANIFESTS = ("*.manifest", "*.jsonl", "*.manifest.json")
"""How manifests are called in a channel's folder."""
CHANNELS = ("train", "validation", "textract", "images", "fields")
FIELDS = "fields.json"
JOB_CHECKPOINTS, JOB_CACHE = "/opt/ml/checkpoints", "/tmp/pages"  # noqa: S108 - in a job's own container
SAME = {"annotation_attr": "label", "data_dir": "data"}
"""The reference's names of options that are called otherwise here."""


class JobData(NamedTuple):
    """What is read and written."""

    options: Namespace

    @property
    def output(self) -> Path:
        """Folder of the run: its checkpoints and its model."""
        return Path(self.options.output_dir)

    @property
    def model_folder(self) -> Path:
        """Where the model is wanted."""
        return Path(self.options.model_dir or self.options.output_dir)

    @property
    def fields(self) -> FieldList | None:
        """The field list, where one is given."""
        return open_fields(self.options.fields) if self.options.fields else None

    def corpora(self) -> tuple[Corpus, Corpus]:
        """Documents to train on and to validate on; DataError that lists what is wrong with any of them."""
        training: Corpus = open_corpus(self._data(self.options.data or manifests_in(self.options.train)))
        self._check_number(training.labels)
        if self.options.validation:
            validation = fair_part(open_corpus(self._data(manifests_in(self.options.validation))))
            return self._sampled(training), validation
        if not self.options.validation_share:
            return self._sampled(training), ListCorpus((), training.labels)
        kept, held_out = split_corpus(training, self.options.validation_share, self.options.data_seed)
        return self._sampled(kept), held_out

    def _data(self, paths: Sequence[Path]) -> Namespace:
        """The options of labelled data, for these files."""
        prefix = f"{ANY_BUCKET}/{self.options.images_prefix}".rstrip("/")
        mapped = [f"{prefix}={self.options.images}"] if self.options.images else []
        return Namespace(**{**vars(self.options), "data": list(paths), "map": [*self.options.map, *mapped]})

    def _check_number(self, labels: Sequence[str]) -> None:
        wanted = self.options.num_labels
        if wanted and wanted != len(labels):
            raise ConfigurationError(
                f"num_labels {wanted}: the data has {len(labels)} labels, {', '.join(labels)}"
            )

    def _sampled(self, corpus: Corpus) -> Corpus:
        wanted = self.options.max_train_samples
        if not 0 < wanted < len(corpus):
            return corpus
        _, drawn = split_documents(document_ids(corpus), wanted / len(corpus), self.options.data_seed)
        return PartOfCorpus(corpus, drawn)

    def keep_fields(self) -> None:
        """Put the field list beside the model."""
        if self.fields is not None:
            text = json.dumps(dump_fields(self.fields), indent=2, ensure_ascii=False)
            (self.output / FIELDS).write_text(text + "\n", encoding="utf-8")


def data_parser(name: str, told: str | None) -> ArgumentParser:
    """The options of a training command that are not settings of its recipe."""
    parser = ArgumentParser(f"recto {name}", description=told, formatter_class=RawDescriptionHelpFormatter)
    add_data_arguments(parser, required=False)
    group = parser.add_argument_group("this run")
    group.add_argument("--train", default="", help="folder of manifests (channel train)")
    group.add_argument("--validation", default="", help="manifest, or folder of them, to validate on")
    group.add_argument(
        "--validation-share", type=float, default=0.1, help="held out where none is given (0.1)"
    )
    group.add_argument("--data-seed", type=int, default=1337, help="of that split (1337)")
    group.add_argument("--images-prefix", default="", help="prefix in the bucket that --images stands for")
    group.add_argument("--num-labels", type=int, default=0, help="labels with that of no field; checked")
    group.add_argument("--max-train-samples", type=int, default=0, help="train on so many documents only")
    group.add_argument(
        "--output-dir", default=".recto/runs/latest", help="run; resumed if it has checkpoints"
    )
    group.add_argument("--model-dir", default="", help="folder for the model; the run's by default")
    group.add_argument("--overwrite-output-dir", action="store_true", help="begin anew")
    group.add_argument("--recipe", default="", help="which recipe")
    group.add_argument("--task-name", default="", help="ner; others are commands of their own")
    return parser


def read_job(
    name: str, told: str | None, arguments: Sequence[str], environment: Mapping[str, str]
) -> tuple[JobData, dict[str, str]]:
    """The data options, and the settings for the recipe; the command line wins over a job's environment.

    Ends with the help where it is asked for.
    """
    parser = data_parser(name, told)
    known = vars(parser.parse_args([]))
    words = [*_job_words(environment), *arguments]
    manifests, ours, settings = parted(words, known)
    options = parser.parse_args(ours)
    options.data = [*map(Path, manifests), *(options.data or [])]
    return JobData(options), named_values(settings)


def _job_words(environment: Mapping[str, str]) -> list[str]:
    """A SageMaker job's places and hyper-parameters as options."""
    words = []
    for name in CHANNELS:
        if place := environment.get(f"SM_CHANNEL_{name.upper()}", ""):
            words += [f"--{name}", _only_file(place) if name == "fields" else place]
    if model := environment.get("SM_MODEL_DIR"):
        words += ["--model_dir", model, "--output_dir", JOB_CHECKPOINTS, "--cache", JOB_CACHE]
    for name, value in job_settings(environment).items():
        words += [f"--{name}", value]
    return words


def _only_file(place: str) -> str:
    """The one file of a channel."""
    found = sorted(Path(place).glob("*.json"))
    return str(found[0]) if found else place


def parted(words: Iterable[str], known: Mapping[str, object]) -> tuple[list[str], list[str], list[str]]:
    """Bare words in front of all options, options of the parser, and others with their values.

    A flag may have `true` or `false` behind it, since hyper-parameters always have a value.
    """
    bare: list[str] = []
    ours: list[str] = []
    others: list[str] = []
    to = bare
    for word in words:
        if word in ("-h", "--help"):
            ours.append(word)
            continue
        if not word.startswith("--"):
            to.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        name = SAME.get(name.replace("-", "_"), name.replace("-", "_"))
        to = ours if name in known else others
        to += [f"--{name.replace('_', '-') if to is ours else name}", *([value] if equals else [])]
    return bare, _without_yes(ours, known), others


def _without_yes(words: Sequence[str], known: Mapping[str, object]) -> list[str]:
    """The options, flags without the value that says whether they are meant."""
    kept: list[str] = []
    for word in words:
        flag = kept and kept[-1].startswith("--") and known.get(kept[-1][2:].replace("-", "_")) is False
        if flag and word.lower() in (*TRUE, *FALSE):
            if word.lower() in FALSE:
                kept.pop()
            continue
        kept.append(word)
    return kept


def manifests_in(place: str) -> list[Path]:
    """The manifests of a folder by name, or the one manifest; ConfigurationError where there is none."""
    path = Path(place)
    if place and path.is_file():
        return [path]
    found = sorted({one for pattern in MANIFESTS for one in path.glob(pattern)}) if place else []
    if not found:
        seen = f"{place} holds none of {', '.join(MANIFESTS)}" if place else "no manifest, no --data"
        raise ConfigurationError(
            f"no labelled documents: {seen}. Name a manifest: recto train labels.manifest"
        )
    return found


def print_balance(corpus: Corpus) -> None:
    """What there is of each class, with warnings."""
    print("\n".join(table_of(balance_of(corpus))), flush=True)
