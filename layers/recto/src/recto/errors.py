"""Everything that Recto itself reports as an error; state machines match these class names.

RectoError
├── TransientError              try again
│   ├── ThrottledError          a service asked us to slow down
│   └── ServiceUnavailableError a service did not answer, or answered with its own fault
├── DocumentError               this document; a person should look
│   ├── EmptyDocumentError      zero bytes
│   ├── UnsupportedDocumentError  not a PDF, TIFF, PNG or JPEG, whatever its name says
│   ├── EncryptedDocumentError  a password is needed to read it
│   ├── DamagedDocumentError    the right format, but it cannot be read
│   ├── DocumentTooLargeError   past a limit on bytes, pages or pixels
│   ├── DocumentMissingError    gone from the bucket before it was read
│   ├── OcrFailedError          the OCR job ended without a result
│   ├── ModelFailedError        a model's endpoint ended without a result, or with one that cannot be used
│   ├── TooManyAttemptsError    its executions keep ending without an outcome
│   ├── PageCountMismatchError  pages were lost or invented between two steps
│   ├── WordMismatchError       a model's endpoint answered with other words than it was asked about
│   ├── PageOrderError          the OCR returned a page's blocks in two places
│   ├── ReviewFailedError       the review ended without a usable answer
│   ├── ReviewWithdrawnError    an answer to a review that is not wanted any more
│   ├── DocumentRejectedError   a reviewer turned the document down
│   ├── ResultMissingError      an earlier step's result, needed to start from a later one, is not there
│   ├── ReviewExpiredError      nobody answered in time
│   ├── ManifestError           a line of a manifest that cannot be used
│   └── AnswerError             a labelling answer, or an object to be labelled, that cannot be used
└── ConfigurationError          the operator must act
    ├── ReprocessRefusedError   the document cannot be processed again in the way that was asked for
    ├── BackfillRefusedError    a backfill cannot be started, stopped or gone on with in the way asked for
    ├── FieldConfigurationError the field list is not valid
    ├── LabelRequestError       a labelling job, team or template cannot be made as it was asked for
    ├── ReleaseError            the release is missing, incomplete or altered
    ├── ParameterMissingError   a parameter or setting is absent
    └── AccessError             a role may not do what it must
"""


class RectoError(Exception):
    """Base of all errors that Recto raises on purpose."""


class TransientError(RectoError):
    """Trying again may help."""


class ThrottledError(TransientError):
    """A service asked us to slow down."""


class ServiceUnavailableError(TransientError):
    """A service did not answer, or answered with a fault of its own."""


class DocumentError(RectoError):
    """Something about this document; a person should look."""


class EmptyDocumentError(DocumentError):
    """The object holds no bytes."""


class UnsupportedDocumentError(DocumentError):
    """Not a PDF, TIFF, PNG or JPEG, whatever the name says."""


class EncryptedDocumentError(DocumentError):
    """A password is needed to read it."""


class DamagedDocumentError(DocumentError):
    """The format is right but the content cannot be read."""


class DocumentTooLargeError(DocumentError):
    """Past a limit on bytes, pages or pixels."""


class DocumentMissingError(DocumentError):
    """Gone from the bucket before it was read."""


class OcrFailedError(DocumentError):
    """The OCR job ended without a result."""


class ModelFailedError(DocumentError):
    """A model's endpoint ended without a result, or with one that cannot be used."""


class TooManyAttemptsError(DocumentError):
    """Its executions keep ending without an outcome."""


class PageCountMismatchError(DocumentError):
    """Pages were lost or invented between two steps."""


class WordMismatchError(DocumentError):
    """A model's endpoint answered with other words than it was asked about."""


class PageOrderError(DocumentError):
    """The OCR returned the blocks of one page in two places of its stream."""


class ReviewFailedError(DocumentError):
    """The review ended without a usable answer."""


class ReviewWithdrawnError(DocumentError):
    """An answer to a review that is not wanted any more."""


class DocumentRejectedError(DocumentError):
    """A reviewer turned the document down."""


class ResultMissingError(DocumentError):
    """The result of an earlier step is not there, so a later one cannot start."""


class ReviewExpiredError(DocumentError):
    """Nobody answered in time."""


class ManifestError(DocumentError):
    """A line of a manifest cannot be used; the message says which and why."""


class AnswerError(DocumentError):
    """A labelling answer, or an object to be labelled, cannot be used."""


class ConfigurationError(RectoError):
    """The operator must act; trying again does not help."""


class ReprocessRefusedError(ConfigurationError):
    """The document cannot be processed again in the way that was asked for."""


class BackfillRefusedError(ConfigurationError):
    """A backfill cannot be started, stopped or gone on with in the way that was asked for."""


class FieldConfigurationError(ConfigurationError):
    """The field list is not valid."""


class LabelRequestError(ConfigurationError):
    """A labelling job, team or template cannot be made as it was asked for."""


class ReleaseError(ConfigurationError):
    """The release is missing, incomplete or altered."""


class ParameterMissingError(ConfigurationError):
    """A parameter or setting is absent or undefined."""


class AccessError(ConfigurationError):
    """A role may not do what it must."""
