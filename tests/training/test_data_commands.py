"""Labelled data from format to format by commands."""

import json
from pathlib import Path

import pytest

from recto_training.__main__ import main
from recto_training.commands import data_export, data_import, data_report

FIELDS = [
    {"ClassId": 0, "Name": "company", "Select": "first"},
    {"ClassId": 1, "Name": "total", "Type": "money"},
]


@pytest.fixture
def receipts(tmp_path: Path) -> list[str]:
    """Arguments that name two receipts."""
    folder = tmp_path / "boxes"
    folder.mkdir()
    rows = []
    for number in (1, 2):
        lines = [
            {"box": [10, 10, 90, 20], "text": f"ACME {number} LTD"},
            {"box": [10, 30, 90, 40], "text": f"Total {number}5.00"},
        ]
        (folder / f"r{number}.json").write_text(json.dumps({"width": 100, "height": 100, "lines": lines}))
        values = {"company": [f"Acme {number} Ltd"], "total": [f"{number}5.00"]}
        rows.append(json.dumps({"id": f"r{number}", "fields": values}))
    (tmp_path / "truth.jsonl").write_text("\n".join(rows) + "\n")
    (tmp_path / "fields.json").write_text(json.dumps(FIELDS))
    named = {"--data": folder, "--truth": tmp_path / "truth.jsonl", "--fields": tmp_path / "fields.json"}
    return [str(part) for pair in named.items() for part in pair]


def test_receipts_become_a_manifest_that_says_the_same(
    receipts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, cache = tmp_path / "set", str(tmp_path / "cache")

    assert data_import.main([*receipts, "--output", str(output), "--cache", cache]) == 0

    said = capsys.readouterr().out
    mapped = f"s3://labelled-data/set={output}"
    assert f"recto train {output / 'output.manifest'} --map {mapped}" in said
    given = ["--data", str(output / "output.manifest"), "--map", mapped, "--cache", cache]
    fields = ["--fields", str(tmp_path / "fields.json")]
    assert data_report.main([*given, *fields]) == 0
    assert ["all", "1.0000", "1.0000", "1.0000", "4"] in map(str.split, capsys.readouterr().out.splitlines())

    back = tmp_path / "back.jsonl"
    assert data_export.main([*given, *fields, "--to", "values", "--output", str(back)]) == 0
    assert back.read_text() == (tmp_path / "truth.jsonl").read_text()


def test_a_manifest_becomes_forms(receipts: list[str], tmp_path: Path) -> None:
    assert data_export.main([*receipts, "--to", "funsd", "--output", str(tmp_path / "forms")]) == 0

    form = json.loads((tmp_path / "forms" / "r1.json").read_text())["form"]
    assert [(one["label"], one["text"]) for one in form] == [
        ("company", "ACME 1 LTD"), ("other", "Total"), ("total", "15.00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--to", "manifest", "--output", "x"], "--prefix '': expected where the objects will lie"),
        (["--to", "values", "--output", "x", "--data", "nowhere"], "--data nowhere: there is no such file"),
        (["--to", "values", "--output", "x", "--fields", "nowhere"], "field list nowhere: cannot be read"),
    ],
)
def test_what_is_missing_is_asked_for(
    receipts: list[str], extra: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data-export", *receipts, *extra]) == 1

    assert message in capsys.readouterr().err
