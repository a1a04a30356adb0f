"""Texts of mentions rewritten by the endpoints that fields name, where they name any.

One synchronous call for each endpoint and document, with each text once: `{"inputs": [...]}`, answered by
`{"generated_text": [...]}`, one for one. The print stays beside what was made of it. An endpoint that fails
stops no document: its texts stay as printed, for the normalisers of the library, and the result says so. So
it does where the endpoint answers nothing to a text.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from recto.errors import ModelFailedError, RectoError
from recto.fields import FieldConfiguration, FieldList
from recto.mentions import Mention, MentionList
from recto.ports import TextEndpoints

MAX_REQUEST = 5_000_000
"""Bytes; SageMaker takes 6 MB in one synchronous call."""
SHOWN = 300


class Rewritten(NamedTuple):
    """The mentions, and what went wrong on the way."""

    mentions: Iterable[Mention]
    warnings: tuple[str, ...] = ()
    """For the operator, with what the endpoint said."""
    failed: tuple[str, ...] = ()
    """Endpoints and errors by name, without any text of the document."""


def rewrite(found: Iterable[Mention], fields: FieldList, endpoints: TextEndpoints) -> Rewritten:
    """The mentions in their order, rewritten where their fields name an endpoint."""
    by_class = {
        class_id: field for class_id, field in fields.active_by_class.items() if field.normalizer_endpoint
    }
    if not by_class:
        return Rewritten(found)  # as a stream: a long document has many
    mentions = MentionList(found)
    texts: dict[str, dict[str, str]] = {}
    warnings: list[str] = []
    failed: list[str] = []
    for name, inputs in _asked(mentions, by_class).items():
        try:
            texts[name] = dict(zip(inputs, _answered(name, inputs, endpoints), strict=True))
            if empty := sum(not text.strip() for text in texts[name].values()):
                warnings.append(
                    f"normaliser {name} gave no text for {empty} of {len(inputs)}, left as printed"
                )
        except RectoError as error:
            concerned = ", ".join(f.name for f in by_class.values() if f.normalizer_endpoint == name)
            said = f"{type(error).__name__}: {error}"[:SHOWN]
            warnings.append(f"normaliser {name} failed, {concerned} as printed: {said}")
            failed.append(f"{name}: {type(error).__name__}")
    rewritten = (_rewritten(mention, by_class.get(mention.class_id), texts) for mention in mentions)
    return Rewritten(rewritten, tuple(warnings), tuple(failed))


def _input(mention: Mention, field: FieldConfiguration) -> str:
    """What the endpoint reads; the prompt stands before the text as it is."""
    return f"{field.normalizer_prompt}{mention.text}"


def _asked(mentions: Iterable[Mention], by_class: Mapping[int, FieldConfiguration]) -> dict[str, list[str]]:
    """The inputs of each endpoint, each once, in the order in which they were found."""
    asked: dict[str, dict[str, None]] = {}
    for mention in mentions:
        field = by_class.get(mention.class_id)
        if field and field.normalizer_endpoint:
            asked.setdefault(field.normalizer_endpoint, {})[_input(mention, field)] = None
    return {name: list(inputs) for name, inputs in asked.items()}


def _answered(name: str, inputs: Sequence[str], endpoints: TextEndpoints) -> list[str]:
    """One text for each input; ModelFailedError where the answer is anything else."""
    body = json.dumps({"inputs": inputs}).encode()
    if len(body) > MAX_REQUEST:
        raise ModelFailedError(f"{len(body):,} bytes of texts, a synchronous endpoint takes {MAX_REQUEST:,}")
    content = endpoints.ask(name, body)
    try:
        answer: Any = json.loads(content)
    except ValueError as error:
        raise ModelFailedError(f"expected JSON, got {content[:60]!r}") from error
    texts = answer.get("generated_text") if isinstance(answer, dict) else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ModelFailedError(f"expected generated_text, a list of texts, got {content[:60]!r}")
    if len(texts) != len(inputs):
        raise ModelFailedError(f"expected {len(inputs)} texts for as many inputs, got {len(texts)}")
    return texts


def _rewritten(
    mention: Mention, field: FieldConfiguration | None, texts: Mapping[str, Mapping[str, str]]
) -> Mention:
    """With the print beside the endpoint's text; as it is where the endpoint gave none."""
    given = texts.get(field.normalizer_endpoint or "") if field else None
    if field is None or given is None:
        return mention
    text = given[_input(mention, field)].strip()
    return mention._replace(text=text, raw_text=mention.text) if text else mention
