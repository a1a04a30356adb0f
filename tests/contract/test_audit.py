"""Audits fail on what they should, forgive what has a reason that has not ended, and never pass unsaid."""

import datetime as dt
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TODAY = dt.date(2026, 11, 22)
FOUND = {
    "dependencies": [
        {"name": "pillow", "version": "1.0", "vulns": [
            {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": ["CVE-2026-1"]},
        ]},
        {"name": "idna", "version": "3.20", "vulns": []},
    ]
}  # fmt: skip
OF_NPM = {
    "vulnerabilities": {
        "vue": {"via": ["@vue/shared"]},
        "@vue/shared": {"via": [{"url": "https://x/advisories/GHSA-1", "severity": "high", "title": "bad"}]},
    }
}


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


audit, licences = script("audit"), script("licences")


def exceptions(expires: str, id: str = "CVE-2026-1", reason: str = "not reached") -> Any:  # noqa: A002
    text = f'[[exception]]\nid = "{id}"\npackage = "Pillow"\nreason = "{reason}"\nexpires = {expires}\n'
    return audit.tolerated(text)


def test_a_known_vulnerability_stops_the_audit() -> None:
    (fault,) = audit.faults(audit.of_pip_audit(FOUND), [], TODAY)

    assert fault == "pillow: PYSEC-2026-1: 1.0, mended in 1.1"


def test_an_exception_holds_by_any_of_its_names_until_its_day() -> None:
    found = audit.of_pip_audit(FOUND)

    assert audit.faults(found, exceptions("2026-11-22"), TODAY) == []
    assert audit.faults(found, exceptions("2026-11-22", id="PYSEC-2026-1"), TODAY) == []
    assert len(audit.faults(found, exceptions("2026-11-22", id="CVE-2026-2"), TODAY)) == 1
    assert len(audit.faults(found, exceptions("2026-11-21"), TODAY)) == 2


def test_an_exception_without_a_reason_is_none() -> None:
    with pytest.raises(audit.AuditError, match="without reason"):
        exceptions("2026-12-01", reason="")


def test_npms_advisories_are_told_once_where_they_are() -> None:
    (fault,) = audit.faults(audit.of_npm_audit(OF_NPM), [], TODAY)

    assert fault == "@vue/shared: GHSA-1: high: bad"


def test_what_could_not_be_looked_at_does_not_pass_for_sound() -> None:
    unknown = {"dependencies": [{"name": "pip", "skip_reason": "not found"}]}

    with pytest.raises(audit.NoAdvisoriesError, match="not found"):
        audit.of_pip_audit(unknown)
    with pytest.raises(audit.NoAdvisoriesError, match="405"):
        audit.of_npm_audit({"message": "405 Method Not Allowed"})


@pytest.mark.parametrize(("demand", "code"), [("", 0), ("required", 1)])
def test_without_advisories_the_audit_says_so_and_fails_where_it_is_required(
    demand: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def none(*_: object) -> None:
        raise audit.NoAdvisoriesError("no network")

    monkeypatch.setattr(audit, "ask_pip_audit", none)
    monkeypatch.setattr(audit, "ask_npm", none)
    monkeypatch.setattr(audit, "stamp", lambda name: tmp_path / name)
    monkeypatch.setenv("RECTO_AUDIT", demand)

    assert audit.main(["dependencies"]) == code
    assert capsys.readouterr().out.count("NOT AUDITED, no advisories can be had here") == 2
    assert list(tmp_path.iterdir()) == []


def test_the_exceptions_of_today_are_whole() -> None:
    audit.tolerated((ROOT / "constraints" / "audit-exceptions.toml").read_text())


def test_every_environments_pins_are_audited() -> None:
    assert set(audit.CONSTRAINTS) == {path.stem for path in (ROOT / "constraints").glob("*.txt")}
    assert len(audit.pinned()) > 200


# --- licences ---------------------------------------------------------------------------------------


def test_the_licences_page_is_what_is_shipped_and_all_of_it_is_allowed() -> None:
    packages = licences.shipped()

    assert licences.faults(packages) == []
    assert licences.PAGE.read_text() == licences.page(packages)


@pytest.mark.parametrize(
    ("licence", "is_allowed"),
    [
        ("MIT", True), ("Apache-2.0 OR BSD-3-Clause", True), ("(MIT AND Zlib)", True),
        ("Apache-2.0 WITH LLVM-exception", True), ("GPL-3.0-or-later", False),
        ("MIT AND GPL-2.0-only", False), ("AGPL-3.0", False), ("LGPL-2.1-or-later", False), ("", False),
        ("UNLICENSED", False), ("Custom", False),
    ],
)  # fmt: skip
def test_only_permissive_licences_are_allowed_without_a_word(licence: str, is_allowed: bool) -> None:
    assert licences.Shipped("other", "1", licence, "pages").is_allowed is is_allowed


def test_weak_copyleft_is_allowed_by_name_alone() -> None:
    (name, (licence, reason)) = next(iter(licences.WEAK_COPYLEFT.items()))

    assert reason
    assert licences.Shipped(name, "1", licence, "layer recto").is_allowed
    assert not licences.Shipped(name, "1", "GPL-3.0-or-later", "layer recto").is_allowed


def test_what_is_in_the_layers_is_in_the_page() -> None:
    lock = json.loads((ROOT / "workbench" / "web" / "package-lock.json").read_text())
    direct = set(lock["packages"][""]["dependencies"])

    names = {each.name for each in licences.shipped()}

    assert direct <= names
    assert {"pydantic", "aws-lambda-powertools", "onnxruntime", "pillow", "starlette", "cffi"} <= names
    assert "boto3" not in names
