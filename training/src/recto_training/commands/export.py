"""`recto export`: a trained model as a release, which the pipeline runs embedded, without an endpoint.

recto export runs/first --release releases/first
recto export runs/first --release releases/first --int8 --pages ocr/       (measured on these pages)
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from recto.document import Page
from recto.errors import ConfigurationError
from recto.textract import blocks_of, read_pages
from recto_training.release_of_run import ExportOptions, write_release_of

MAX_PAGES = 200
"""Of those named for the comparison."""


def main(arguments: Sequence[str]) -> int:
    """Export; 0 when the release folder is whole."""
    parser = argparse.ArgumentParser(
        prog="recto export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a model folder, as `recto train` writes it")
    parser.add_argument("--release", type=Path, required=True, help="folder to write the release to")
    parser.add_argument("--name", default="", help="of the release; the model folder's if not given")
    parser.add_argument("--int8", action="store_true", help="eight-bit weights: smaller and faster")
    parser.add_argument("--fields", type=Path, help="field list; the model folder's fields.json if not given")
    parser.add_argument("--licence", default="not stated", help="of the model, for people to read")
    parser.add_argument(
        "--pages", type=Path, help="Textract JSON, a file or a folder: compare with torch on up to 200 pages"
    )
    options = parser.parse_args(arguments)
    pages = tuple(islice(read_all(options.pages), MAX_PAGES)) if options.pages else ()
    chosen = ExportOptions(options.name, options.int8, options.fields, options.licence, pages)
    release = write_release_of(options.run, options.release, chosen)
    size = sum(file.stat().st_size for file in options.release.iterdir())
    print(json.dumps(release.figures["parity"], indent=2))
    print(f"release {release.name}: {size:,} bytes in {options.release}")
    if options.int8 and not pages:
        print("what the eight-bit weights change was not measured: name --pages")
    return 0


def read_all(place: Path) -> Iterator[Page]:
    """The pages of Textract's responses in a file or a folder; ConfigurationError where there are none."""
    files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
    if not files or not files[0].is_file():
        raise ConfigurationError(f"--pages {place}: expected a Textract JSON file or a folder with some")
    for file in files:
        try:
            response = json.loads(file.read_bytes())
        except ValueError as error:
            raise ConfigurationError(f"--pages: {file.name} is not JSON: {error}") from error
        yield from read_pages(blocks_of(response))
