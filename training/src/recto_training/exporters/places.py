"""Files named after documents stay in the folder that they are written to. Not what is in them."""

from pathlib import PurePosixPath

from recto_training.corpus import Corpus, document_ids
from recto_training.faults import Faults


def check_ids(corpus: Corpus) -> None:
    """DataError for ids that lead out of a folder: absolute ones, or with `..` in them.

    Ids come from what others wrote: a manifest's `textract-ref`, a list of values.
    """
    faults = Faults()
    for number, name in enumerate(document_ids(corpus), start=1):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            faults.add(
                f"document {number} of {len(corpus)}",
                f"id {name!r} leads out of the output folder; expected a relative name without '..'. "
                "It comes from the line's textract-ref, or the id of the truth: rename it there",
            )
    faults.end_if_any()
