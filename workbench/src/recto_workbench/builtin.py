"""AWS's own pre- and post-labelling functions, by name: which task type each stands for.

Their code is AWS's; what goes in and comes out of them is documented, and the workbench does the same.
"""

import re
from typing import NamedTuple

ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:(PRE|ACS)-(\w+)(?::[\w$-]+)?")


class TaskKind(NamedTuple):
    """A built-in task type."""

    name: str
    """As in `type` of the output manifest, after `groundtruth/`."""
    is_adjustment: bool = False
    is_verification: bool = False
    is_text: bool = False


KINDS = {
    "BoundingBox": TaskKind("object-detection"),
    "ImageMultiClass": TaskKind("image-classification"),
    "ImageMultiClassMultiLabel": TaskKind("image-classification-multilabel"),
    "SemanticSegmentation": TaskKind("semantic-segmentation"),
    "NamedEntityRecognition": TaskKind("text-span", is_text=True),
    "TextMultiClass": TaskKind("text-classification", is_text=True),
    "TextMultiClassMultiLabel": TaskKind("text-classification-multilabel", is_text=True),
    "AdjustmentBoundingBox": TaskKind("object-detection", is_adjustment=True),
    "AdjustmentSemanticSegmentation": TaskKind("semantic-segmentation", is_adjustment=True),
    "VerificationBoundingBox": TaskKind("label-verification", is_verification=True),
    "VerificationSemanticSegmentation": TaskKind("label-verification", is_verification=True),
}


def kind_of(function_arn: str) -> TaskKind | None:
    """None for a function that is not AWS's, or of a task type that is unknown here."""
    match = ARN.fullmatch(function_arn)
    return KINDS.get(match[2]) if match else None


def is_aws_function(function_arn: str) -> bool:
    """Whether the name is one of AWS's own."""
    return ARN.fullmatch(function_arn) is not None


TEXT_SPANS = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form>
  <crowd-entity-annotation
    name="crowd-entity-annotation"
    header="Select the text of each entity and choose its label"
    labels="{{ task.input.labels | to_json | escape }}"
    text="{{ task.input.taskObject | escape }}"
  >
    <full-instructions header="Instructions">
      <p>Choose a label, then select the text that it is for. Take whole words.</p>
    </full-instructions>
    <short-instructions><p>Choose a label, then select the text that it is for.</p></short-instructions>
  </crowd-entity-annotation>
</crowd-form>
"""


def builtin_template(name: str) -> str | None:
    """The page of one of AWS's `human-task-ui`, in our words; None for a task type that is unknown here."""
    return {"NamedEntityRecognition": TEXT_SPANS}.get(name)
