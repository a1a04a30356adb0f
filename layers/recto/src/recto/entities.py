"""Words to mentions, mentions to values, values to the fields of a document.

A mention is a run of words of one class at one place. It never crosses a page, a column's gap or a word
of another class (a single 'other' word inside, too: joining over it would be a guess that nobody could
see in the result; the model should learn it instead). It goes on in the next line when it fills its own
line to the end and the line below it in the same column begins with the same class; items of a list of
names, one to a line, are mentions of their own.

A value is what one or more mentions say, told apart by normal form. Saying a thing twice does not make
it truer by arithmetic: the confidence of a value is that of its best mention, calibrated with how it
stands among the others. Pages come one by one and are let go; only mentions stay, packed. What is reported of
a mention is made for those alone that say a value which is reported.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from difflib import SequenceMatcher
from operator import attrgetter
from typing import Any, NamedTuple

from recto.confidence import Calibration, Evidence, Standing, features_of
from recto.document import Page, PagePredictions
from recto.errors import PageCountMismatchError, PageOrderError
from recto.fields import DATES, NUMBERS, FieldConfiguration, FieldList, Select
from recto.geometry import Box
from recto.mentions import Mention, MentionList
from recto.normalise import Certainty, Normalized
from recto.reading_order import ReadingOrder, reading_order
from recto.results import (
    BoundingBox,
    Detection,
    DocumentResult,
    FieldResult,
    ReasonCode,
    ReviewReason,
    Value,
)
from recto.validators import Said, judge, judge_together

DEFAULT_THRESHOLD = 0.8
"""For fields to which neither the release nor the operator gave a threshold: rather a review too many."""


CURRENCY_LETTERS = 3
"""A currency has so many letters at most; longer words say that more than an amount is meant."""
NAMES = frozenset({"company", "person", "party"})
"""Normalisers of names, which a document gives in full and in part."""
NEARLY = 0.15
"""A name counts as part of a longer one that is less certain by no more than this."""
LEAST_ITEM_WORDS = 2
"""Names in a list have so many words at least, for a word in common to mean anything."""
LEAST_ITEM_LETTERS = 3
"""And the word in common has so many letters."""
LEAST_LIKENESS = 0.65
"""Share of letters in common from which two words are one, misread: one wrong of three, three of eight."""


# --- words to mentions ------------------------------------------------------------------------------


def mentions(page: Page, predictions: PagePredictions, fields: FieldList) -> list[Mention]:
    """The mentions of one page, in reading order."""
    _check_parallel(page, predictions)
    wanted = fields.active_by_class
    if wanted.keys().isdisjoint(predictions.classes):
        return []
    order = reading_order(page.words)
    lines_of = _joined_lines(page, order, _runs(order, predictions.classes, wanted), wanted)
    above = {below: number for number, below in enumerate(order.below) if below is not None}
    return [
        _mention(page, predictions, wanted, lines, _neighbours(order, above, lines)) for lines in lines_of
    ]


def document_mentions(pages: Iterable[tuple[Page, PagePredictions]], fields: FieldList) -> Iterator[Mention]:
    """The mentions of a document, page after page; PageOrderError for pages that do not ascend."""
    last = 0
    for page, predictions in pages:
        if page.number <= last:
            raise PageOrderError(f"page {page.number} after page {last}; expected ascending pages")
        last = page.number
        yield from mentions(page, predictions, fields)


def _check_parallel(page: Page, predictions: PagePredictions) -> None:
    counts = {len(predictions.classes), len(predictions.probabilities), len(page.words)}
    counts.add(len(predictions.agreements) or len(page.words))
    if predictions.number != page.number or len(counts) > 1:
        raise PageCountMismatchError(
            f"page {page.number} of {len(page.words)} words with predictions for page "
            f"{predictions.number} of {len(predictions.classes)} words; expected one prediction per word"
        )


class _Run(NamedTuple):
    """Consecutive words of one class within one segment."""

    class_id: int
    words: tuple[int, ...]
    segment: int
    starts_line: bool
    ends_line: bool
    before: int | None = None
    """The word before it in its line."""
    after: int | None = None


def _runs(order: ReadingOrder, classes: Sequence[int], wanted: Mapping[int, Any]) -> list[_Run]:
    runs = []
    marked = {index for index, class_id in enumerate(classes) if class_id in wanted}
    for number, segment in enumerate(order.segments):
        if marked.isdisjoint(segment.words):
            continue
        words, start = segment.words, 0
        for end in range(1, len(words) + 1):
            class_id = classes[words[start]]
            if end < len(words) and classes[words[end]] == class_id:
                continue
            if class_id in wanted:
                before = words[start - 1] if start else None
                after = words[end] if end < len(words) else None
                runs.append(
                    _Run(class_id, words[start:end], number, before is None, after is None, before, after)
                )
            start = end
    return runs


def _joined_lines(
    page: Page, order: ReadingOrder, runs: list[_Run], wanted: Mapping[int, FieldConfiguration]
) -> list[list[_Run]]:
    """Runs that go on in the line below made one, in the order of their first lines."""
    beginnings = {run.segment: index for index, run in enumerate(runs) if run.starts_line}
    follower: dict[int, int] = {}
    taken: set[int] = set()
    for index, run in enumerate(runs):
        below = order.below[run.segment]
        if not run.ends_line or below not in beginnings:
            continue
        other = beginnings[below]
        is_later = other > index  # always so on real pages; degenerate boxes may lie below each other
        if runs[other].class_id != run.class_id or other in taken or not is_later:
            continue
        if not _are_apart(page, order, run, runs[other], wanted[run.class_id]):
            follower[index] = other
            taken.add(other)
    return [_chain(runs, follower, index) for index in range(len(runs)) if index not in taken]


def _are_apart(page: Page, order: ReadingOrder, run: _Run, below: _Run, field: FieldConfiguration) -> bool:
    """Whether two lines of one class say two things: two dates, two bare amounts, or names in a list."""
    if field.normalizer_name in DATES | NUMBERS:
        lines = [[page.words[i].text for i in one.words] for one in (run, below)]
        is_bare = field.normalizer_name in DATES or all(_is_bare_amount(words) for words in lines)
        return is_bare and all(field.normalise(" ".join(words)).value is not None for words in lines)
    return field.is_multi_valued and _are_items(page, order, run, below)


def _is_bare_amount(words: Sequence[str]) -> bool:
    """Numbers and at most a currency beside them: `RM 33.90`, but not `up to $25`, which may go on."""
    letters = ["".join(filter(str.isalpha, word)) for word in words]
    return all(len(one) <= CURRENCY_LETTERS and one.isupper() for one in letters if one)


def _are_items(page: Page, order: ReadingOrder, run: _Run, below: _Run) -> bool:
    """Whether two lines are names in a list rather than one that was too long for its line.

    Names of a list have a word in common at their beginning or end ("Gold Visa Card", "Blue Visa Card"),
    capitals, and the second would have begun in the first one's line, had it gone on there.
    """
    upper, lower = ([page.words[i].text for i in one.words] for one in (run, below))
    if not (_is_name(upper) and _is_name(lower)) or not any(_alike(upper[i], lower[i]) for i in (0, -1)):
        return False
    line, first = order.segments[run.segment].box, page.words[below.words[0]].box
    column = Box.around(one.box for one in order.segments if _is_above_or_below(one.box, line))
    space = first.width / len(lower[0])
    return line.width + space + first.width <= column.width


def _is_above_or_below(box: Box, other: Box) -> bool:
    return min(box.right, other.right) > max(box.left, other.left)


def _is_name(words: Sequence[str]) -> bool:
    """Several words of which most begin with a capital (an OCR may have lost one) and none is a number."""
    capitals = sum(word[0].isupper() for word in words)
    return len(words) >= LEAST_ITEM_WORDS and 2 * capitals >= len(words) and not any(map(_is_number, words))


def _is_number(word: str) -> bool:
    return 2 * sum(map(str.isdigit, word)) > sum(map(str.isalnum, word))


def _alike(one: str, other: str) -> bool:
    """Whether two words are the same, but for capitals, final marks and letters that an OCR misread."""
    one, other = (word.casefold().rstrip(".,;:") for word in (one, other))
    return min(len(one), len(other)) >= LEAST_ITEM_LETTERS and (
        SequenceMatcher(None, one, other, autojunk=False).ratio() >= LEAST_LIKENESS
    )


def _chain(runs: list[_Run], follower: Mapping[int, int], index: int) -> list[_Run]:
    chain = [runs[index]]
    while index in follower:
        index = follower[index]
        chain.append(runs[index])
    return chain


def _neighbours(
    order: ReadingOrder, above: Mapping[int, int], lines: Sequence[_Run]
) -> tuple[int | None, int | None]:
    """The words before and after a mention in its text, on the lines above and below it if need be."""
    before, after = lines[0].before, lines[-1].after
    if before is None and lines[0].segment in above:
        before = order.segments[above[lines[0].segment]].words[-1]
    below = order.below[lines[-1].segment]
    if after is None and below is not None:
        after = order.segments[below].words[0]
    return before, after


def _mention(
    page: Page,
    predictions: PagePredictions,
    wanted: Mapping[int, FieldConfiguration],
    lines: list[_Run],
    neighbours: tuple[int | None, int | None],
) -> Mention:
    indices = tuple(word for line in lines for word in line.words)
    words = [page.words[i] for i in indices]
    boxes = tuple(Box.around(page.words[i].box for i in line.words) for line in lines)
    before, after = (1.0 if i is None else predictions.probabilities[i] for i in neighbours)
    return Mention(
        class_id=lines[0].class_id,
        name=wanted[lines[0].class_id].name,
        page=page.number,
        words=indices,
        blocks=tuple(word.id for word in words if word.id),
        box=Box.around(boxes),
        boxes=boxes,
        text="\n".join(" ".join(page.words[i].text for i in line.words) for line in lines),
        evidence=Evidence.of_words(
            [predictions.probabilities[i] for i in indices],
            [word.confidence for word in words],
            [predictions.agreements[i] for i in indices] if predictions.agreements else (),
        )._replace(
            before=before,
            after=after,
            starts_line=lines[0].starts_line,
            ends_line=lines[-1].ends_line,
            num_lines=len(lines),
        ),
    )


# --- mentions to values -----------------------------------------------------------------------------


class _Said(NamedTuple):
    """One thing that is said of a field, and where."""

    normalized: Normalized
    text: str
    """As it is said first."""
    places: "array[int]"
    """Of the mentions that say it, among the field's."""
    probabilities: "array[float]"
    """The mean of each of them."""


class _Scored(NamedTuple):
    """A value with what the selectors look at."""

    text: str
    """Of the best mention."""
    normalized: Normalized
    best: int
    """Which of the mentions that say it is the best."""
    places: "array[int]"
    confidences: "array[float]"
    """Of each of them."""

    @property
    def confidence(self) -> float:
        return self.confidences[self.best]


def _scored_values(
    field: FieldConfiguration, found: MentionList, calibration: Calibration, reference: date | None
) -> list[_Scored]:
    """The distinct values of a field, in the order of their first mention."""
    said = _said(field, found)
    standings = _standings(field, said, len(found), reference, calibration)
    pairs = zip(said, standings, strict=True)
    return [_scored(field, found, one, how, calibration) for one, how in pairs]


def _said(field: FieldConfiguration, found: MentionList) -> list[_Said]:
    """Mentions that say the same in normal form put together."""
    said: dict[tuple[bool, str], _Said] = {}
    read: dict[str, Normalized] = {}  # long documents say the same words again and again
    for place, mention in enumerate(found):
        if mention.text not in read:
            read[mention.text] = field.normalise(mention.text)
        normalized = read[mention.text]
        key = (normalized.value is None, normalized.key)
        if key not in said:
            said[key] = _Said(normalized, mention.text, array("L"), array("d"))
        said[key].places.append(place)
        said[key].probabilities.append(mention.evidence.mean_probability)
    return list(said.values())


def _standings(
    field: FieldConfiguration,
    said: Sequence[_Said],
    total: int,
    reference: date | None,
    calibration: Calibration,
) -> list[Standing]:
    """How each value stands among the others; values of a multi-valued field are no rivals."""
    alone = [_standing_alone(field, one, reference, calibration) for one in said]
    if field.is_multi_valued:
        return alone
    best = [max(one.probabilities) for one in said]
    first, second = [*sorted(best, reverse=True), 0.0, 0.0][:2]
    return [
        standing._replace(
            support=standing.num_mentions / total,
            rival=second if own == first else first,
            num_rivals=total - standing.num_mentions,
        )
        for standing, own in zip(alone, best, strict=True)
    ]


def _standing_alone(
    field: FieldConfiguration, one: _Said, reference: date | None, calibration: Calibration
) -> Standing:
    verdicts = judge(field.validators or (), one.text, one.normalized, reference)
    class_id, key = field.class_id, one.normalized.key
    is_known = calibration.knows(class_id, key)
    return Standing(
        parsed=one.normalized.value is not None,
        num_mentions=len(one.places),
        is_complete=one.normalized.certainty is not Certainty.PARTIAL,
        is_ambiguous=one.normalized.certainty is Certainty.AMBIGUOUS,
        is_valid=all(verdict.passed for verdict in verdicts),
        is_known=is_known,
        near_known=0.0 if is_known else calibration.nearness(class_id, key),
    )


def _scored(
    field: FieldConfiguration, found: MentionList, one: _Said, standing: Standing, calibration: Calibration
) -> _Scored:
    confidences = array(
        "d", (calibration.of(found[place].evidence, standing, field.class_id) for place in one.places)
    )
    best = max(range(len(confidences)), key=confidences.__getitem__)
    text = found[one.places[best]].text
    normalized = one.normalized if text == one.text else field.normalise(text)
    return _Scored(text, normalized, best, one.places, confidences)


def _value(field: FieldConfiguration, found: MentionList, scored: _Scored, reference: date | None) -> Value:
    """The value as it is reported, with all its mentions."""
    pairs = zip(scored.places, scored.confidences, strict=True)
    detections = tuple(_detection(found[place], confidence) for place, confidence in pairs)
    best, text, normalized = detections[scored.best], scored.text, scored.normalized
    return Value(
        value=text,
        confidence=best.confidence,
        normalized_value=normalized.value,
        flags=normalized.flags or None,
        alternatives=normalized.alternatives or None,
        raw_text=text if best.raw_text is None else best.raw_text,
        page=best.page_num,
        boxes=best.boxes,
        verdicts=judge(field.validators or (), text, normalized, reference),
        detections=detections,
    )


def _detection(mention: Mention, confidence: float) -> Detection:
    box = BoundingBox.of(mention.box)
    is_one_line = mention.boxes == (mention.box,)
    return Detection(
        class_id=mention.class_id,
        class_name=mention.name,
        confidence=confidence,
        blocks=mention.blocks,
        bounding_box=box,
        boxes=(box,) if is_one_line else tuple(map(BoundingBox.of, mention.boxes)),
        page_num=mention.page,
        text=mention.text,
        raw_text=mention.raw_text,
    )


def value_features(
    mention_list: Iterable[Mention],
    fields: FieldList,
    reference: date | None = None,
    calibration: Calibration | None = None,
) -> Iterator[tuple[str, str, Mention, dict[str, float]]]:
    """(field, normal form or text, mention, its features) of each mention: what calibration is fitted on.

    Of `calibration` only the known values count.
    """
    scale = calibration or Calibration.default()
    for field, found in _by_field(mention_list, fields):
        said = _said(field, found)
        for one, standing in zip(said, _standings(field, said, len(found), reference, scale), strict=True):
            for mention in map(found.__getitem__, one.places):
                text = one.normalized.value or mention.text
                yield field.name, text, mention, features_of(mention.evidence, standing)


# --- values to fields -------------------------------------------------------------------------------


def assemble(
    found: Iterable[Mention],
    fields: FieldList,
    calibration: Calibration | None = None,
    reference: date | None = None,
) -> DocumentResult:
    """The fields of a document from all its mentions, which come in reading order.

    `reference` is the day on which the document was read: a rule may say that a date is not after it.
    """
    scale = calibration or Calibration.default()
    results = {
        field.name: _field_result(field, fields.sort_orders[field.name], of_field, scale, reference)
        for field, of_field in _by_field(found, fields)
    }
    confidence = document_confidence(results.values())
    return with_rules(DocumentResult(confidence=confidence, fields=results, reference_date=reference), fields)


def extract(
    pages: Iterable[tuple[Page, PagePredictions]],
    fields: FieldList,
    calibration: Calibration | None = None,
    reference: date | None = None,
) -> DocumentResult:
    """The fields of a document from its pages, of which one is held at a time."""
    return assemble(document_mentions(pages, fields), fields, calibration, reference)


def with_rules(result: DocumentResult, fields: FieldList) -> DocumentResult:
    """The result with what the rules between fields say, beside each field that takes part."""
    rules = [(field.name, rule) for field in fields.active for rule in field.rules or ()]
    if not rules:
        return result
    found = {
        name: [Said(value.value, fields[name].normalise(value.value)) for value in one.found]
        for name, one in result.fields.items()
    }
    verdicts = judge_together(rules, found)
    judged = {
        name: one.model_copy(
            update={"validation": tuple(verdict for verdict in verdicts if name in verdict.fields) or None}
        )
        for name, one in result.fields.items()
    }
    return result.model_copy(update={"fields": judged})


def document_confidence(results: Iterable[FieldResult]) -> float:
    """The lowest confidence of its fields, without optional ones that were not found; 0 for none at all."""
    return min((one.confidence for one in results if one.confidence or not one.optional), default=0.0)


def _by_field(
    found: Iterable[Mention], fields: FieldList
) -> Iterator[tuple[FieldConfiguration, MentionList]]:
    by_class = {field.class_id: MentionList() for field in fields.active}
    for mention in found:
        by_class[mention.class_id].append(mention)
    return ((field, by_class.pop(field.class_id)) for field in fields.active)  # let go, field by field


def _field_result(
    field: FieldConfiguration,
    sort_order: int,
    found: MentionList,
    calibration: Calibration,
    reference: date | None,
) -> FieldResult:
    scored = _scored_values(field, found, calibration, reference)
    common: dict[str, Any] = {
        "class_id": field.class_id,
        "num_detections": len(found),
        "num_detected_values": len(scored),
        "sort_order": sort_order,
        "type": field.kind,
        "optional": field.optional,
    }
    if field.select is None:
        scored.sort(key=attrgetter("confidence"), reverse=True)
        if field.normalizer_name in NAMES:
            scored = _without_parts(scored)
        return multi_valued_result(common, [_value(field, found, one, reference) for one in scored])
    selected = _selected(field.select, scored) if scored else None
    value = None if selected is None else _value(field, found, selected, reference)
    return single_valued_result(common, value)


def _without_parts(values: Sequence[_Scored]) -> list[_Scored]:
    """Names without those that are only part of a longer one, like `Kite` beside `Kite Pharma`.

    The longer one must be nearly as certain: two names that were taken for one are less so than either.
    """
    words = [_words_of(one) for one in values]
    return [
        value
        for value, short in zip(values, words, strict=True)
        if not any(
            _is_part(short, long) and (len(short) == 1 or other.confidence >= value.confidence - NEARLY)
            for other, long in zip(values, words, strict=True)
        )
    ]


def _words_of(value: _Scored) -> list[str]:
    text = value.normalized.value or value.text
    words = ("".join(filter(str.isalnum, word)) for word in text.split())
    return [word.casefold() for word in words if word]


def _is_part(short: Sequence[str], long: Sequence[str]) -> bool:
    starts = range(len(long) - len(short) + 1)
    return 0 < len(short) < len(long) and any(long[at : at + len(short)] == short for at in starts)


def multi_valued_result(common: Mapping[str, Any], values: Sequence[Value]) -> FieldResult:
    """A field with all its values; its confidence is their mean."""
    confidence = sum(value.confidence for value in values) / len(values) if values else 0.0
    return FieldResult(**common, confidence=confidence, values=tuple(values))


def single_valued_result(common: Mapping[str, Any], value: Value | None) -> FieldResult:
    """A field with its one value, or without."""
    if value is None:
        return FieldResult(**common, confidence=0.0, value="", detections=())
    content = {name: getattr(value, name) for name in Value.model_fields}
    return FieldResult(**common, **content)


def _selected(select: Select, scored: Sequence[_Scored]) -> _Scored:
    """The value that the selector takes; among equals the one that was seen first.

    By confidence, a value that could be read as the field's type goes before any that could not.
    """
    keys: Mapping[Select, Callable[[_Scored], Any]] = {
        Select.CONFIDENCE: lambda one: (one.normalized.value is None, -one.confidence),
        Select.FIRST: lambda one: one.places[0],
        Select.LAST: lambda one: -one.places[-1],
        Select.LONGEST: lambda one: -len(one.text),
        Select.SHORTEST: lambda one: len(one.text),
    }
    return min(scored, key=keys[select])


# --- does a person have to look? --------------------------------------------------------------------


def review_reasons(
    result: DocumentResult,
    fields: FieldList,
    thresholds: Mapping[str, float],
    default: float = DEFAULT_THRESHOLD,
) -> list[ReviewReason]:
    """Why a person should look at a result; nothing for one that goes straight through.

    `thresholds` are the release's, by field; a field's own ReviewThreshold overrides its one, and
    `default` is for fields that neither names.
    """
    reasons = []
    if not any(one.found for one in result.fields.values()):
        reasons.append(ReviewReason(code=ReasonCode.NOTHING_FOUND, message="nothing found"))
    for name, one in result.fields.items():
        field = fields[name]
        by_hand = field.review_threshold is not None
        threshold = (
            field.review_threshold if field.review_threshold is not None else thresholds.get(name, default)
        )
        reasons += _reasons_of_field(field, one, threshold, by_hand)
    return reasons


def with_reasons(result: DocumentResult, reasons: Sequence[ReviewReason]) -> DocumentResult:
    """The result with its reasons for a review, also beside each field that they concern."""
    fields = {
        name: one.model_copy(
            update={"review_reasons": tuple(reason for reason in reasons if reason.field == name) or None}
        )
        for name, one in result.fields.items()
    }
    return result.model_copy(update={"fields": fields, "review_reasons": tuple(reasons)})


def _reasons_of_field(
    field: FieldConfiguration, one: FieldResult, threshold: float, by_hand: bool
) -> Iterator[ReviewReason]:
    if one.absent:
        return
    if not one.found and field.is_required:
        yield ReviewReason(
            code=ReasonCode.REQUIRED_MISSING,
            field=field.name,
            message=f"{field.name} is required but missing",
        )
    lowest = min((value.confidence for value in one.found), default=threshold)
    if lowest < threshold:
        source = " set by hand" if by_hand else ""
        yield ReviewReason(
            code=ReasonCode.BELOW_THRESHOLD,
            field=field.name,
            message=f"confidence {lowest:.3f} is below the threshold {threshold:.3f}{source}",
            threshold=threshold,
            set_by_hand=by_hand or None,
        )
    for verdict in (verdict for value in one.found for verdict in value.failed_verdicts):
        yield ReviewReason(
            code=ReasonCode.VALIDATOR_FAILED,
            field=field.name,
            message=f"{verdict.validator}: {verdict.message}",
        )
    yield from _open_readings(field, one)
    for rule in one.failed_rules:
        yield ReviewReason(
            code=ReasonCode.RULE_FAILED, field=field.name, message=f"{rule.rule}: {rule.message}"
        )


def _open_readings(field: FieldConfiguration, one: FieldResult) -> Iterator[ReviewReason]:
    """Values that can be read in two ways, or only with letters taken for digits."""
    for value in one.found:
        normalized = field.normalise(value.value)
        if normalized.certainty is Certainty.AMBIGUOUS:
            readings = " or ".join((normalized.value or "", *normalized.alternatives))
            message = f"{value.value!r} can be read as {readings}"
            if not normalized.alternatives:
                message = f"{value.value!r} was read as {readings} ({', '.join(normalized.flags)})"
            yield ReviewReason(code=ReasonCode.AMBIGUOUS, field=field.name, message=message)
