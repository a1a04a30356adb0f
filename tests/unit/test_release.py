"""The index of a release and the hashes in it."""

import json
from typing import Any

import pytest

from recto.errors import ReleaseError
from recto.release import FILES, dump_release, hash_files, parse_release

CONTENTS = {name: name.encode() for name in FILES}


def index(**changes: Any) -> bytes:
    entry = {
        "schema": 1,
        "name": "demo",
        "created": "2026-11-21T00:00:00Z",
        "recipe": "demo",
        "seed": 7,
        "licence": "Apache-2.0",
        "labels": ["Total", "other"],
        "windows": {"max_tokens": 64, "stride": 16},
        "files": hash_files(CONTENTS),
        "figures": {"entity_f1": 0.5},
    }
    return json.dumps({**entry, **changes}).encode()


def test_an_index_survives_being_written_and_read() -> None:
    release = parse_release(index())

    assert parse_release(dump_release(release)) == release
    assert json.loads(dump_release(release))["schema"] == 1
    assert release.other_class == 1
    assert release.windows.capacity == 62


def test_unaltered_files_pass() -> None:
    parse_release(index()).verify(CONTENTS)


def test_an_altered_file_is_named_with_both_hashes() -> None:
    release = parse_release(index())

    with pytest.raises(ReleaseError, match=r"demo: model\.onnx \(3 bytes\) has sha256 2c26b46b.*, expected "):
        release.verify({**CONTENTS, "model.onnx": b"foo"})


def test_a_missing_file_is_named() -> None:
    without = {name: content for name, content in CONTENTS.items() if name != "tokenizer.json"}

    with pytest.raises(ReleaseError, match=r"demo: missing tokenizer\.json"):
        parse_release(index()).verify(without)


def test_a_file_that_the_index_does_not_list_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"'extra\.bin' is not listed"):
        parse_release(index()).verify_file("extra.bin", b"")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": 2}, "schema"),
        ({"windows": {"max_tokens": 10, "stride": 9}}, "stride 9 must be less"),
        ({"lables": []}, "lables"),
        ({"files": {}}, r"lists no model\.onnx"),
    ],
)
def test_an_index_that_is_not_valid_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ReleaseError, match=said):
        parse_release(index(**changes))
