"""What `--on sagemaker` adds to a command's words: role, image, bucket and region, of the stack it talks to.

What the user says comes first. Jobs run on AWS only: the local runtime has none, but a dry run needs neither.
"""

from collections.abc import Sequence

from recto.errors import ConfigurationError
from recto_cli.endpoints import LATEST
from recto_cli.session import Session

TRAINING_IMAGE, OCR_IMAGE, PAGES_IMAGE = "recto-training", "recto-ocr", "recto-pages"
NAMES = ("--role", "--image", "--bucket")


def with_stack(session: Session, image: str, words: Sequence[str]) -> list[str]:
    """The words with what is missing of them, in front of a `--` if there is one."""
    said = {word.partition("=")[0] for word in words}
    is_dry = "--dry-run" in said
    missing = [name for name in NAMES if name not in said]
    if is_dry and not missing:
        return list(words)
    if session.target.is_local and not is_dry:
        raise ConfigurationError(
            "the local runtime has no SageMaker jobs: leave --on sagemaker away to run here; --dry-run shows "
            "the requests, --target aws launches them"
        )
    stack = session.stack
    found = {
        "--role": stack.name("static/JobRoleArn"),
        "--image": f"{stack.name('static/ImageRegistry')}/{image}:{LATEST}",
        "--bucket": stack.work,
        "--project": stack.project,
    }
    extra = [part for name, value in found.items() if name not in said for part in (name, value)]
    at = list(words).index("--") if "--" in words else len(words)
    return [*words[:at], *extra, *words[at:]]
