"""The one tree of errors. The class says what to do, `reason` is the code clients see, `detail` names the value.

AcademyError
├── JobError                    ends an attempt of a job
│   ├── PermanentError          bad input: exit 65, never tried again
│   ├── TransientError          try again: exit 75
│   └── FencedError             this attempt is no longer the newest: stop, report nothing, exit 65
├── RequestError                a caller of the HTTP API asked for something that is refused
│   ├── NotAuthenticated        401
│   ├── NotAllowed              403
│   ├── NotFound                404
│   ├── Conflict                409
│   │   └── VersionConflict     409, with the version that there is now
│   └── Invalid                 422
└── Unavailable                 a server that we need does not answer: 503, or transient inside a job
"""


class AcademyError(Exception):
    """An error with a machine-readable reason and a sentence that holds the offending value."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class JobError(AcademyError):
    """Ends an attempt of a job; `reason` is a member of `pipeline.reasons.Reason`."""


class PermanentError(JobError):
    """The input is bad and stays bad: no attempt can succeed."""


class TransientError(JobError):
    """The same work may succeed when it is tried again."""


class FencedError(JobError):
    """The control plane has a newer attempt, or has ended the job: whatever this attempt made is void."""


class RequestError(AcademyError):
    """A request that is refused; the class says with which HTTP status."""


class NotAuthenticated(RequestError):
    """No token, or one that does not verify."""


class NotAllowed(RequestError):
    """The token is good, but its role may not do this."""


class NotFound(RequestError):
    """No such thing for this tenant; another tenant's thing looks the same."""


class Conflict(RequestError):
    """The thing exists, but its state does not allow this."""


class VersionConflict(Conflict):
    """Somebody else changed the thing first; `current_version` is what it is now."""

    def __init__(self, reason: str, detail: str = "", *, current_version: int) -> None:
        super().__init__(reason, detail)
        self.current_version = current_version


class Invalid(RequestError):
    """A value in the request cannot be used."""


class Unavailable(AcademyError):
    """Postgres, the object store or the executor does not answer in time."""
