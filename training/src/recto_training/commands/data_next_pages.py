"""Which pages to label next: those of which a model is unsure and that stand for many others.

    recto data select pages.manifest --by uncertainty --model runs/first --number 30 --output next.manifest
    recto data select pages.manifest --by uncertainty --number 30 --output first.manifest

Pages that people have labelled already, in the manifest itself or in those of --labelled, are left out, and
so are pages without words. Without --model only variety counts: what stands for most pages. A fifth is taken
by chance whatever the model says (--random-pages): measure on those, the others are harder than usual. Each
line that is written says in its metadata why it was chosen.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from recto.inference import Verdict
from recto.manifests import line_of
from recto.page_choice import (
    ChoiceRules,
    Chosen,
    PageToLabel,
    Reason,
    choose_pages,
    page_doubt,
    page_features,
)
from recto_training.evaluation.subject import Subject, open_subject
from recto_training.faults import DataError
from recto_training.ocr_folder import OcrFolder
from recto_training.page_lines import (
    PageLine,
    add_ocr_arguments,
    has_labels,
    pages_of,
    read_page_lines,
    verdicts_of,
)
from recto_training.predict import HowToRun
from recto_training.sources import ocr_of

SEED = 1337
CHOSEN = "chosen"
"""Key of a line's metadata."""
FOUND = 0.5
"""Probability from which a class counts as found on a page."""


def main(arguments: Sequence[str]) -> int:
    """Chooses, writes the manifest and says what was chosen."""
    options = _parser().parse_args(arguments)
    print("\n".join(_next_pages(options)))
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "recto data select --by uncertainty", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("manifests", nargs="+", type=Path, help="pages to choose from")
    parser.add_argument("--model", type=Path, help="folder of a trained model or of a release")
    parser.add_argument("--number", "-n", type=int, required=True, help="pages to choose")
    parser.add_argument("--output", "-o", type=Path, required=True, help="manifest to write")
    parser.add_argument(
        "--labelled", nargs="*", type=Path, default=[], help="manifests of pages that are labelled already"
    )
    parser.add_argument("--label", default="", help="attribute of these labels; default: any")
    parser.add_argument("--random-pages", type=float, default=0.2, metavar="SHARE", help="by chance (0.2)")
    parser.add_argument(
        "--first-pages", type=float, metavar="SHARE", help="first pages of documents; default: as they come"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"of chance ({SEED})")
    parser.add_argument("--threads", type=int, default=0, help="0: one per core")
    add_ocr_arguments(parser)
    return parser


def _next_pages(options: Namespace) -> list[str]:
    rules = _rules(options)
    ocr = ocr_of(options, options.manifests)
    listed = read_page_lines(options.manifests, ocr)
    before = read_page_lines(options.labelled, ocr) if options.labelled else []
    done = {one.id: one for one in [*before, *(one for one in listed if has_labels(one, options.label))]}
    rest = sorted((one for one in listed if one.id not in done), key=lambda one: one.id)
    open_pages = [one for one in rest if one.has_content]
    Random(options.seed).shuffle(open_pages)
    subject = open_subject(options.model, how=HowToRun(threads=options.threads)) if options.model else None
    pages = pages_to_label([*done.values(), *open_pages], len(done), ocr, subject)
    chosen = choose_pages(pages[len(done) :], pages[: len(done)], rules)
    by_id = {one.id: one for one in open_pages}
    model = options.model.name if options.model else ""
    lines = [_line(by_id[one.id], rank, one, model) for rank, one in enumerate(chosen, start=1)]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(b"".join(map(line_of, lines)))
    counts = Counter(one.reason for one in chosen)
    told = ", ".join(f"{counts[reason]} by {reason}" for reason in Reason if counts[reason])
    return [
        f"{options.output}: {len(chosen)} of {len(open_pages)} pages: {told}",
        f"left out: {len(done)} labelled, {len(rest) - len(open_pages)} without words",
    ]


def _rules(options: Namespace) -> ChoiceRules:
    try:
        return ChoiceRules(
            count=options.number, random_share=options.random_pages, first_share=options.first_pages
        )
    except ValueError as error:
        raise DataError(
            f"--number {options.number}, --random-pages {options.random_pages}, --first-pages "
            f"{options.first_pages}: expected a number from 1 and shares from 0 to 1"
        ) from error


def pages_to_label(
    lines: Sequence[PageLine], num_labelled: int, ocr: OcrFolder, subject: Subject | None
) -> list[PageToLabel]:
    """Each page with what it looks like and how unsure the model is of it; the labelled ones come first."""
    pages = [
        PageToLabel(one.id, page_features(page), is_first=one.number == 1)
        for one, page in zip(lines, pages_of(lines, ocr), strict=True)
    ]
    if subject is None:
        return pages
    verdicts = list(verdicts_of(subject, lines, ocr))
    usual = _usual(verdicts[:num_labelled] or verdicts, len(subject.model.labels) - 1)
    return [
        page._replace(doubt=page_doubt(verdict.means_WK.tolist(), usual))
        for page, verdict in zip(pages, verdicts, strict=True)
    ]


def _usual(verdicts: Sequence[Verdict], num_classes: int) -> list[float]:
    """Share of pages on which the model finds each class."""
    best = [one.means_WK.max(axis=0, initial=0.0) for one in verdicts]
    return [
        sum(bool(one[number] >= FOUND) for one in best) / max(1, len(best)) for number in range(num_classes)
    ]


def _line(one: PageLine, rank: int, chosen: Chosen, model: str) -> Mapping[str, Any]:
    metadata = one.line.content.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise DataError(f"{one.line.place}: metadata: expected an object, seen {metadata!r:.80}")
    why: dict[str, Any] = {"rank": rank, "by": str(chosen.reason)}
    if model:
        why |= {"model": model, "doubt": round(chosen.doubt, 4)}
    why["likeness"] = round(chosen.likeness, 4)
    return {**one.line.content, "metadata": {**metadata, CHOSEN: why}}
