"""What the workbench reports as an error, below `recto.errors`; browsers and callers see these names.

RectoError
├── RefusedError                what was asked for is refused; nothing has changed
│   ├── NotSignedInError        401: nobody is signed in
│   ├── NotAllowedError         403: not this person's role, team or task
│   ├── TaskMissingError        404: no such task or job
│   ├── TaskExpiredError        409: the task is not this worker's any more
│   ├── AlreadySubmittedError   409: the task has its answer
│   ├── NonceError              409: the answer does not come from the page that was handed out
│   ├── RequestError            400: the request itself is wrong
│   ├── TooLargeError           413: past a limit on bytes
│   ├── ReviewMissingError      404: no such review
│   ├── ReviewClosedError       409: the review is answered, stopped, expired or withdrawn; answers are kept
│   ├── ClaimLostError          409: the review is not this reviewer's any more; answers are kept
│   ├── AnswerIncompleteError   422: a rule of the answer does not hold
│   └── OperationError          the control plane's own, with Ground Truth's code
│       ├── ValidationError     a parameter is wrong
│       ├── JobNameTakenError   there is such a job or team already
│       ├── NotFoundError       there is no such job, team, flow definition or task UI
│       ├── LoopMissingError    there is no such human loop, or no such flow of one
│       ├── ConflictError       another human loop has the name, or it is past what is asked for
│       └── LimitError          past a limit on jobs or teams
└── DocumentError
    └── ObjectFailedError       one object of a job cannot be labelled; the others go on
        └── FunctionFailedError a pre- or post-labelling function failed or did not answer in time
"""

from collections.abc import Mapping
from typing import ClassVar

from recto.errors import DocumentError, RectoError


class RefusedError(RectoError):
    """What was asked for is refused; nothing has changed."""


class NotSignedInError(RefusedError):
    """Nobody is signed in."""


class NotAllowedError(RefusedError):
    """Not this person's role, team or task."""


class TaskMissingError(RefusedError):
    """There is no such task or job."""


class TaskExpiredError(RefusedError):
    """The task is not this worker's any more."""


class AlreadySubmittedError(RefusedError):
    """The task has its answer."""


class NonceError(RefusedError):
    """The answer does not come from the page that was handed out with the task."""


class RequestError(RefusedError):
    """The request itself is wrong."""


class TooLargeError(RefusedError):
    """Past a limit on bytes."""


class ReviewMissingError(RefusedError):
    """There is no such review."""


class ReviewClosedError(RefusedError):
    """The review takes no more answers: answered, stopped, expired or withdrawn. What came is kept."""


class ClaimLostError(RefusedError):
    """The review is not this reviewer's any more. What came is kept."""


class AnswerIncompleteError(RefusedError):
    """A rule of the answer does not hold."""

    def __init__(self, message: str, problems: tuple[Mapping[str, str | None], ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems
        """Each with its `field` (None: the document as a whole) and `message`."""


class OperationError(RefusedError):
    """The control plane refuses an operation, with the code that Ground Truth has for it."""

    code: ClassVar[str] = "ValidationException"


class ValidationError(OperationError):
    """A parameter is wrong."""


class JobNameTakenError(OperationError):
    """There is such a job or team already."""

    code = "ResourceInUse"


class NotFoundError(OperationError):
    """There is no such job or team."""

    code = "ResourceNotFound"


class LoopMissingError(OperationError):
    """There is no such human loop, or no such flow definition of one."""

    code = "ResourceNotFoundException"


class ConflictError(OperationError):
    """Another human loop has the name, or it is past what is asked for."""

    code = "ConflictException"


class LimitError(OperationError):
    """Past a limit on jobs or teams."""

    code = "ResourceLimitExceeded"


class ObjectFailedError(DocumentError):
    """One object of a job cannot be labelled; the others go on."""


class FunctionFailedError(ObjectFailedError):
    """A pre- or post-labelling function failed or did not answer in time."""
