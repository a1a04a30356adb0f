"""The outputs of several labelling jobs as one manifest with one label attribute.

A job's output is a manifest, or lies in a folder of jobs where Ground Truth puts it. Of the labels of a line
the latest adjustment counts, else the only one; of several jobs' labels of one page the adjusted ones, else
the newest. What was not taken is told: failed objects with the service's reason, other labels of a page.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from recto.errors import ConfigurationError, ManifestError
from recto.manifests import LabelAttribute, ManifestLine, chosen_label, with_label
from recto.suggestions import nearest
from recto_data.endings import order_of
from recto_data.manifest_files import Mapped, map_references, mapping, read_lines
from recto_data.places import Place, place_of
from recto_data.reports import Finding, Report, Status

OUTPUT = "manifests/output/output.manifest"
SEGMENTATION = "semantic-segmentation"
REFERENCE = "-ref"
LABEL = "labels"


class HowToConsolidate(NamedTuple):
    label: str = LABEL
    """Name of the one attribute; a segmentation's gets its ending `-ref`."""
    source_label: str = ""
    """The attribute to take, where a line has several and none is an adjustment."""
    mapped: Sequence[Mapped] = ()


class Consolidated(NamedTuple):
    lines: tuple[dict[str, Any], ...]
    label: str
    report: Report


class _Labelled(NamedTuple):
    line: ManifestLine
    label: LabelAttribute

    @property
    def rank(self) -> tuple[bool, str]:
        """The larger one is taken."""
        return self.label.is_adjustment, self.label.created


def consolidate(lines: Iterable[ManifestLine], how: HowToConsolidate | None = None) -> Consolidated:
    """One line for each labelled page; ManifestError where labels do not go together."""
    how = how or HowToConsolidate()
    change, report = mapping(how.mapped), Report()
    pages: dict[tuple[str, str], list[_Labelled]] = {}
    for line in lines:
        found = _labelled(line._replace(content=map_references(line.content, change)), how, report)
        if found:
            pages.setdefault(_page(found.line), []).append(found)
    _check_kinds([one for found in pages.values() for one in found])
    taken = [_chosen(found, report) for found in pages.values()]
    _check_classes(taken)
    is_segmentation = bool(taken) and taken[0].label.kind == SEGMENTATION
    label = how.label + REFERENCE if is_segmentation and not how.label.endswith(REFERENCE) else how.label
    taken.sort(key=lambda one: order_of(one.line))
    return Consolidated(tuple(with_label(one.line.content, one.label, label) for one in taken), label, report)


def _labelled(line: ManifestLine, how: HowToConsolidate, report: Report) -> _Labelled | None:
    label = chosen_label(line, how.source_label)
    if label.failure:
        name = str(line.content.get("source-ref") or "a line")
        report.findings.append(
            Finding(f"{line.place}: {name}", Status.FAILED, label.failure, "LabellingFailed")
        )
        return None
    return _Labelled(line, label)


def _page(line: ManifestLine) -> tuple[str, str]:
    """What tells a page from others: its image, or its document and number."""
    content = line.content
    source = content.get("source-ref") or content.get("text-file-s3-uri") or content.get("source")
    if not source:
        raise ManifestError(f"{line.place}: expected source-ref, seen the keys {', '.join(content)}")
    return str(source), str(content.get("page-num") or content.get("page") or "")


def _chosen(found: Sequence[_Labelled], report: Report) -> _Labelled:
    best = max(found, key=lambda one: one.rank)
    for other in found:
        if other is not best:
            why = _why_taken(best, other)
            name = f"{other.line.place}: {_page(other.line)[0]}"
            report.add(name, Status.WARNING, f"labelled twice: {best.line.place} is taken, which {why}")
    return best


def _why_taken(best: _Labelled, other: _Labelled) -> str:
    if best.label.is_adjustment and not other.label.is_adjustment:
        return "was adjusted"
    return "is newer" if best.rank > other.rank else "comes first"


def _check_kinds(labelled: Sequence[_Labelled]) -> None:
    """Boxes and a custom job's labels go together, segmentations and others with their own kind only."""
    first: dict[str, _Labelled] = {}
    for one in labelled:
        kind = one.label.kind.removesuffix("-adjustment")
        first.setdefault("boxes" if kind in {"object-detection", "custom", ""} else kind, one)
    if len(first) > 1:
        told = " and ".join(f"{kind} ({one.line.place})" for kind, one in first.items())
        raise ManifestError(f"labels of several kinds: {told}; consolidate each kind by itself")


def _check_classes(taken: Sequence[_Labelled]) -> None:
    """One class id has one name in all jobs, or else training would learn one for the other."""
    names: dict[int, tuple[str, str]] = {}
    for line, label in taken:
        for number, name in label.class_names.items():
            known, place = names.setdefault(number, (name, line.place))
            if known != name:
                raise ManifestError(
                    f"{line.place}: class {number} is {name!r} here and {known!r} in {place}; jobs that go "
                    "together have one list of labels"
                )


# --- jobs -------------------------------------------------------------------------------------------


def job_outputs(place: Place) -> dict[str, str]:
    """The jobs below a place by name, and where the output manifest of each is."""
    found = {}
    for entry in place.entries():
        folder, separator, rest = f"/{entry.name}".rpartition(f"/{OUTPUT}")
        if separator and not rest:
            name = folder.strip("/") or place.uri.rstrip("/").rpartition("/")[2]
            found[name.rpartition("/")[2]] = place.ref(entry.name)
    return found


def read_jobs(
    sources: Sequence[str],
    names: Sequence[str] = (),
    read: Callable[[str], list[ManifestLine]] = read_lines,
) -> list[ManifestLine]:
    """The lines of manifests and of the jobs in folders, of these those of the names (`*` is any)."""
    lines: list[ManifestLine] = []
    jobs: dict[str, str] = {}
    for source in sources:
        if source.endswith((".manifest", ".jsonl", ".json")):
            lines += read(source)
        else:
            jobs |= job_outputs(place_of(source))
    for name in _chosen_jobs(jobs, names, sources):
        lines += read(jobs[name])
    return lines


def _chosen_jobs(jobs: Mapping[str, str], names: Sequence[str], sources: Sequence[str]) -> list[str]:
    """ConfigurationError for a name that no job has, and where there is nothing at all."""
    for name in names:
        if not any(fnmatchcase(job, name) for job in jobs):
            there = ", ".join(sorted(jobs)) or "none"
            raise ConfigurationError(f"no job {name!r}{nearest(name, jobs)}; there are: {there}")
    if not jobs and not any(source.endswith((".manifest", ".jsonl", ".json")) for source in sources):
        raise ConfigurationError(f"{', '.join(sources)}: expected JOB/{OUTPUT} below, there is none")
    return sorted(job for job in jobs if not names or any(fnmatchcase(job, name) for name in names))
