"""One dry run of a release's model on a tiny page, in a process of its own.

python -m recto_cli.model_check FOLDER

Started by `recto_cli.dry_run`. Prints nothing when all is well, else one JSON object with the reason.
"""

import json
import math
import sys
from pathlib import Path

from recto.document import Page, Word
from recto.errors import RectoError, ReleaseError
from recto.geometry import Box
from recto.inference import WordClassifier

TINY_PAGE = Page(
    1,
    tuple(
        Word(text, Box(0.1 + column / 5, 0.1, 0.2 + column / 5, 0.12), 0.99)
        for column, text in enumerate(("First", "Bank", "12.50", "§"))
    ),
)


def dry_run(folder: Path) -> None:
    """ReleaseError unless the files are unaltered, all opens, and every word gets a class of the model."""
    classifier = WordClassifier.load(folder)
    seen = classifier.predict(TINY_PAGE)
    classes = range(len(classifier.release.labels))
    is_sound = (
        len(seen.classes) == len(seen.probabilities) == len(TINY_PAGE.words)
        and all(each in classes for each in seen.classes)
        and all(math.isfinite(each) for each in seen.probabilities)
    )
    if not is_sound:
        raise ReleaseError(
            f"release {classifier.release.name}: the model gives {seen.classes} with probabilities "
            f"{seen.probabilities} for a page of {len(TINY_PAGE.words)} words"
        )


def main() -> None:
    try:
        dry_run(Path(sys.argv[1]))
    except RectoError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - the edge: onnxruntime's errors share no public base class
        reason = f"the model cannot run on a tiny page: {type(error).__name__}: {error}"
    else:
        return
    print(json.dumps({"Cause": reason}))
    sys.exit(1)


if __name__ == "__main__":
    main()
