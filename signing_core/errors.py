"""Everything that Sealtrail raises on purpose.

A document that fails verification is a *verdict* (`signing_core.verdict`), never an exception. These are for work that
could not be done and for steps that are not allowed::

    SealtrailError
    ├── UsageError                 wrong call: an option, a setting, a data file
    │   └── DataRefused            a template's or form's data has a missing, unknown or unfit field
    ├── DocumentRefused            a PDF that cannot be taken in; `code` says which of the listed reasons
    ├── MarkRefused                a signature picture, drawing, name or stamp that cannot be used
    ├── ContactRefused             neither a deliverable phone number nor an e-mail address
    ├── FlowError                  a step the three phases do not allow now
    │   ├── StepNotAllowed         wrong status, wrong party, wrong order
    │   ├── KeyEnds                a key that the document needs has ended, or ends before its deadline
    │   ├── LinkInvalid            unknown, replaced or revoked link
    │   ├── LinkExpired            the link's time is over
    │   ├── CodeRejected           wrong code; `replacement_sent` tells whether a new one is on its way
    │   ├── CodeExpired            the code's five minutes are over
    │   ├── CodeMissing            no code was asked for, or not in this browser session
    │   ├── NotAsLogged            the audit log says something else than what is stored of the document
    │   │   ├── FileNotAsLogged    the file is another one
    │   │   └── RecordNotAsLogged  names, contacts, pictures or what a party did are others
    │   ├── StepLocked             five wrong tries; `until` says when it opens again
    │   └── SendingLimited         too many messages; `until` says when the next may be sent
    ├── DeliveryFailed             a channel did not take a message; `permanent` tells whether to try again
    ├── TypesettingFailed          a page could not be set from its template
    ├── TimeStampUnavailable       the RFC 3161 authority did not answer, or not correctly
    ├── KeyUnavailable             key, passphrase or token missing, wrong or expired
    ├── StorageError               database or object store
    │   ├── WorkspaceMissing       no workspace there, or of a newer version
    │   ├── DocumentUnknown        no such document in this workspace
    │   ├── ObjectMissing          the stored bytes are not there
    │   ├── ObjectDamaged          the stored bytes are not what their name says
    │   └── ConcurrentChange       somebody else changed the document first
    ├── AccessDenied               a person of the company without the right to do or see that
    ├── SealRejected               our own verifier did not pass what we were about to complete
    ├── LogInconsistent            the audit log contradicts what was signed of it before
    ├── NotebookFailed             an audit notebook stopped before its conclusion
    └── WitnessUnavailable         a witness of the audit log did not answer, or not as agreed

A message is one sentence or two: what happened, to which document or file, and what to do next. It never contains a
token, a code or a passphrase.
"""

from __future__ import annotations

from datetime import datetime


class SealtrailError(Exception):
    """Base of all of them. `exit_status` is what the command line ends with."""

    exit_status = 3


class UsageError(SealtrailError):
    exit_status = 2


class DataRefused(UsageError):
    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class DocumentRefused(SealtrailError):
    """`code` is stable: `empty`, `not-a-pdf`, `damaged`, `no-pages`, `password`, `xfa`, `signed`, `active-content`, ..."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class MarkRefused(SealtrailError):
    """`code` is stable: `empty`, `format`, `too-large`, `too-many-pixels`, `too-small`, `damaged`,
    `animated`, `no-paper`, `unreadable-name`, `too-simple`.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class ContactRefused(SealtrailError):
    exit_status = 2


class FlowError(SealtrailError):
    """A step that is not allowed. `code` is the stable name of the reason, written into the audit event."""

    code = "flow-error"


class StepNotAllowed(FlowError):
    code = "step-not-allowed"


class KeyEnds(FlowError):
    code = "key-ends"


class LinkInvalid(FlowError):
    code = "link-invalid"


class LinkExpired(FlowError):
    code = "link-expired"


class CodeRejected(FlowError):
    code = "code-wrong"

    def __init__(self, message: str, *, replacement_sent: bool) -> None:
        super().__init__(message)
        self.replacement_sent = replacement_sent


class CodeExpired(FlowError):
    code = "code-expired"


class CodeMissing(FlowError):
    code = "code-missing"


class NotAsLogged(FlowError):
    pass


class FileNotAsLogged(NotAsLogged):
    code = "file-not-as-logged"


class RecordNotAsLogged(NotAsLogged):
    code = "record-not-as-logged"


class StepLocked(FlowError):
    code = "step-locked"

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class SendingLimited(FlowError):
    code = "sending-limited"

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class DeliveryFailed(SealtrailError):
    """`handed_over` is true when the message may already be on its way although no answer came."""

    def __init__(self, message: str, *, permanent: bool = False, handed_over: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.handed_over = handed_over


class TimeStampUnavailable(SealtrailError):
    pass


class KeyUnavailable(SealtrailError):
    pass


class StorageError(SealtrailError):
    pass


class WorkspaceMissing(StorageError):
    pass


class DocumentUnknown(StorageError):
    pass


class ObjectMissing(StorageError):
    pass


class ObjectDamaged(StorageError):
    pass


class ConcurrentChange(StorageError):
    pass


class AccessDenied(SealtrailError):
    pass


class SealRejected(SealtrailError):
    pass


class LogInconsistent(SealtrailError):
    pass


class NotebookFailed(SealtrailError):
    pass


class TypesettingFailed(SealtrailError):
    pass


class WitnessUnavailable(SealtrailError):
    pass
