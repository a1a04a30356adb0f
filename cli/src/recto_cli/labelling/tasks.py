"""The kinds of labelling task, and what each asks of a job: labels, manifest, AWS's functions for it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from recto.manifests import METADATA, REFERENCE

MAX_BOX_LABELS = 50
"""What the box tool takes."""
SOURCE, TEXTRACT = "source-ref", "textract-ref"
TEXT_FILE, TEXT = "text-file-s3-uri", "source"
"""Keys of a manifest's line."""


class TaskType(StrEnum):
    """What `--task` takes."""

    IMAGE_CLASSIFICATION = "image-classification"
    BOUNDING_BOX = "bounding-box"
    SEMANTIC_SEGMENTATION = "semantic-segmentation"
    OCR_BOXES = "ocr-boxes"
    TEXT_ENTITIES = "text-entities"
    BOUNDING_BOX_ADJUSTMENT = "bounding-box-adjustment"
    BOUNDING_BOX_VERIFICATION = "bounding-box-verification"
    SEMANTIC_SEGMENTATION_ADJUSTMENT = "semantic-segmentation-adjustment"
    OCR_BOXES_ADJUSTMENT = "ocr-boxes-adjustment"


class Task(NamedTuple):
    """What a kind of task asks of a job."""

    title: str
    description: str
    keywords: tuple[str, ...]
    built_in: str = ""
    """AWS's functions for it are PRE-… and ACS-… of this name; empty where Ground Truth has none."""
    prices: str = "classes"
    """Which list of the public workforce's prices holds."""
    fewest_labels: int = 1
    most_labels: int | None = None
    names_files: bool = False
    """The label names a file: its attribute ends in `-ref`."""
    one_of: tuple[str, ...] = (SOURCE,)
    """A line needs one of these keys."""
    needs: tuple[str, ...] = ()
    """A line needs all of these keys as well."""
    of_earlier_labels: bool = False
    """Workers see an earlier job's labels: `--adjust` names their attribute."""


IMAGES = ("images", "documents")
JUDGEMENTS = ("good", "bad")
"""What a verification's workers choose from, unless a file of categories says otherwise."""

TASKS: Mapping[TaskType, Task] = {
    TaskType.IMAGE_CLASSIFICATION: Task(
        "Classify images", "Choose the class that fits the image", (*IMAGES, "classification"),
        built_in="ImageMultiClass", fewest_labels=2,
    ),
    TaskType.BOUNDING_BOX: Task(
        "Draw boxes", "Draw a box of the right class around each thing that is asked for", (*IMAGES, "boxes"),
        built_in="BoundingBox", prices="boxes", most_labels=MAX_BOX_LABELS,
    ),
    TaskType.SEMANTIC_SEGMENTATION: Task(
        "Paint areas", "Paint each area of the image with its class", (*IMAGES, "segmentation"),
        built_in="SemanticSegmentation", prices="segmentation", names_files=True,
    ),
    TaskType.OCR_BOXES: Task(
        "Draw boxes and check their text",
        "Draw a box around each field and confirm or correct the text that was read in it",
        (*IMAGES, "boxes", "text"), most_labels=MAX_BOX_LABELS, needs=(TEXTRACT,),
    ),
    TaskType.TEXT_ENTITIES: Task(
        "Mark entities in text", "Mark each entity in the text, add notes, judge the text's quality",
        ("text", "entities"), one_of=(TEXT_FILE, TEXT, SOURCE),
    ),
    TaskType.BOUNDING_BOX_ADJUSTMENT: Task(
        "Correct boxes", "Correct the boxes that are there, add what is missing", (*IMAGES, "boxes"),
        built_in="AdjustmentBoundingBox", prices="boxes", most_labels=MAX_BOX_LABELS, of_earlier_labels=True,
    ),
    TaskType.BOUNDING_BOX_VERIFICATION: Task(
        "Judge boxes", "Say whether the boxes of this image are right", (*IMAGES, "boxes"),
        built_in="VerificationBoundingBox", fewest_labels=2, of_earlier_labels=True,
    ),
    TaskType.SEMANTIC_SEGMENTATION_ADJUSTMENT: Task(
        "Correct painted areas", "Correct the areas that are painted", (*IMAGES, "segmentation"),
        built_in="AdjustmentSemanticSegmentation", prices="segmentation", names_files=True,
        of_earlier_labels=True,
    ),
    TaskType.OCR_BOXES_ADJUSTMENT: Task(
        "Correct boxes and their text", "Correct the boxes that are there and the text that was read in them",
        (*IMAGES, "boxes", "text"), most_labels=MAX_BOX_LABELS, needs=(TEXTRACT,), of_earlier_labels=True,
    ),
}  # fmt: skip


def default_attribute(name: str, task: TaskType) -> str:
    """The label attribute of a job unless another is named: the job's own name, as AWS's console does."""
    return name + REFERENCE if TASKS[task].names_files else name


def attribute_faults(attribute: str, task: TaskType) -> list[str]:
    """What speaks against an attribute's name for this kind of task."""
    faults = []
    if attribute.endswith(METADATA):
        faults.append(f"label attribute {attribute!r} ends in {METADATA}, which the service keeps for itself")
    if TASKS[task].names_files and not attribute.endswith(REFERENCE):
        faults.append(f"label attribute {attribute!r}: expected one that ends in {REFERENCE} for {task}")
    if not TASKS[task].names_files and attribute.endswith(REFERENCE):
        faults.append(
            f"label attribute {attribute!r} ends in {REFERENCE}, which says that the label is a file; "
            f"labels of {task} are none"
        )
    return faults
