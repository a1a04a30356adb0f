"""A random sample of documents that comes out the same each time, with those that are labelled already.

The documents in the order of their names, less those that a name rule leaves out, are shuffled with Python's
`Random(seed)`; the labelled ones are taken first, then as many of the others, in shuffled order, as are
missing. So an existing sample of the same corpus and seed is drawn again, and a larger one holds it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from random import Random
from typing import Any, NamedTuple

from recto.errors import ConfigurationError
from recto.manifests import DocumentLine, ManifestLine, document_of
from recto.suggestions import nearest
from recto_data import endings
from recto_data.endings import Endings, names_whole_document
from recto_data.places import S3
from recto_data.reports import Report, Status

SEED = 1337
RULES = {
    "likely-spanish": r"spanish|espa[nñ]ol|tarjeta|cr[eé]dito|[(\[]esp?[)\]]",
}
"""Name rules that have a name."""


class TooFewError(ConfigurationError):
    """There are fewer documents or pages than were asked for."""


class Sample(NamedTuple):
    """The sampled documents in the order of their names."""

    lines: tuple[dict[str, Any], ...]
    num_kept: int
    """Those that had to be in it, since they are labelled."""
    report: Report
    """What a name rule left out."""


class HowToSample(NamedTuple):
    number: int
    seed: int = SEED
    leave_out: Sequence[str] = ()
    """Names of rules, or regular expressions; upper and lower case are one."""


def sample(
    documents: Iterable[ManifestLine], how: HowToSample, labelled: Iterable[ManifestLine] = ()
) -> Sample:
    """`how.number` of the documents; TooFewError where there are fewer, or more are labelled already."""
    by_ref = {document_of(line).raw_ref: line.content for line in documents}
    refs = sorted(by_ref)
    keep = labelled_documents(refs, labelled)
    report, rules = Report(), [name_rule(text) for text in how.leave_out]
    wanted = [ref for ref in refs if not _left_out(ref, refs, rules, report, ref in keep)]
    if how.number < len(keep):
        raise TooFewError(f"{how.number} documents asked for, but {len(keep)} are labelled already and stay")
    Random(how.seed).shuffle(wanted)  # noqa: S311 - to be drawn again, not to be secret
    new = [ref for ref in wanted if ref not in keep]
    missing = how.number - len(keep)
    if missing > len(new):
        left = f", {report.count(Status.SKIPPED)} left out by their names" if report.findings else ""
        raise TooFewError(f"{how.number} documents asked for, there are {len(keep) + len(new)}{left}")
    drawn = sorted([*keep, *new[:missing]])
    return Sample(tuple(by_ref[ref] for ref in drawn), len(keep), report)


def name_rule(text: str) -> re.Pattern[str]:
    """A rule by its name, or a regular expression; ConfigurationError for what is neither."""
    if text in RULES:
        return re.compile(RULES[text], re.IGNORECASE)
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        hint = nearest(text, RULES)
        raise ConfigurationError(
            f"name rule {text!r}: expected {' or '.join(RULES)} or a regular expression ({error}){hint}"
        ) from error


def _left_out(
    ref: str, refs: Sequence[str], rules: Sequence[re.Pattern[str]], report: Report, is_kept: bool
) -> bool:
    """Rules look at the name below the folder that all documents share: that folder's name says nothing."""
    name = unicodedata.normalize("NFC", ref[len(_common_folder(refs)) :])
    broken = next((rule for rule in rules if rule.search(name)), None)
    if broken is None:
        return False
    if not is_kept:
        report.add(ref, Status.SKIPPED, f"left out by the name rule {_rule_name(broken)}")
    return True


def _rule_name(rule: re.Pattern[str]) -> str:
    return next((name for name, text in RULES.items() if text == rule.pattern), rule.pattern)


def _common_folder(refs: Sequence[str]) -> str:
    """The folder that the first and the last of sorted names, and so all, lie in."""
    first, last = refs[0].split("/")[:-1], refs[-1].split("/")[:-1]
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return "/".join(first[:shared])


def labelled_documents(refs: Sequence[str], labelled: Iterable[ManifestLine]) -> set[str]:
    """The documents that labelled lines are about; ConfigurationError where one is not told, or twice."""
    whole: dict[str, str] = {}
    stems: dict[str, str] = {}
    for line in labelled:
        names = whole if names_whole_document(line.content) else stems
        names.setdefault(endings.document_of(line.content), line.place)
    by_stem = _by_stem(refs)
    found = Endings(refs).same(whole)
    for name, same in Endings(by_stem).same(stems).items():
        found[name] = [ref for stem in same for ref in by_stem[stem]]
    for name, same in found.items():
        if len(same) != 1:
            seen = f"{len(same)} of that name ({', '.join(same[:3])})" if same else "none of that name"
            place = whole.get(name) or stems[name]
            raise ConfigurationError(f"{place}: labels of {name}: expected one document, seen {seen}")
    return {same[0] for same in found.values()}


def _by_stem(refs: Sequence[str]) -> Mapping[str, list[str]]:
    stems: dict[str, list[str]] = {}
    for ref in refs:
        stems.setdefault(_without_ending(ref), []).append(ref)
    return stems


def _without_ending(ref: str) -> str:
    scheme = S3 if ref.startswith(S3) else ""
    return scheme + str(PurePosixPath(ref.removeprefix(scheme)).with_suffix(""))


def as_documents(refs: Iterable[str]) -> list[dict[str, Any]]:
    """Catalogue lines of these documents."""
    return [DocumentLine(raw_ref=ref).content() for ref in refs]
