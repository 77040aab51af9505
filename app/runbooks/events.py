"""What can be said about runbooks, their executions, and the secrets that automations use."""

from app.core.events import Kind

SECRET_CREATED = Kind("secret.created", "{actor} stored the secret {name}", ("name", "scope"))
SECRET_REPLACED = Kind("secret.replaced", "{actor} replaced the secret {name}", ("name", "scope"))
SECRET_MOVED = Kind("secret.moved", "{actor} gave the secret {name} to {scope}", ("name", "scope"))
SECRET_DELETED = Kind("secret.deleted", "{actor} deleted the secret {name}", ("name", "scope"))

CREATED = Kind("runbook.created", "{actor} wrote the runbook {name}", ("name", "version", "after"))
CHANGED = Kind("runbook.changed", "{actor} changed the runbook {name}", (
    "name", "version", "before", "after", "approval_lost"))
DELETED = Kind("runbook.deleted", "{actor} deleted the runbook {name}", ("name", "before"))
APPROVED = Kind("runbook.approved", "{actor} approved version {version} of {name}", ("name", "version"))
SENT_BACK = Kind("runbook.sent_back", "{actor} sent version {version} of {name} back: {comment}",
                 ("name", "version", "comment"))
DEPRECATED = Kind("runbook.deprecated", "{actor} deprecated {name}", ("name",))
REVIVED = Kind("runbook.revived", "{actor} made {name} a draft again", ("name",))
REVIEW_CHANGED = Kind("runbook.review_changed", "{actor} said that approvals {rule}", ("rule",))

_RUN = ("runbook", "name", "execution", "via")
QUEUED = Kind("runbook.execution_queued", "{actor} runs {name} {why}", (*_RUN, "parameters", "version", "why", "cause"),
              timeline=True)
STARTED = Kind("runbook.execution_started", "{name} has begun", _RUN, timeline=True)
ATTEMPT_FAILED = Kind("runbook.attempt_failed", "{name}, call {attempt}: {error}", (*_RUN, "attempt", "error", "again_in"),
                      timeline=True)
ENDED = Kind("runbook.execution_ended", "{name} {said}", (
    *_RUN, "said", "state", "seconds", "output", "error", "cause"), timeline=True)
CANCEL_TOLD = Kind("runbook.cancel_told", "{name}: {said}", (*_RUN, "said"), timeline=True)
LATE = Kind("runbook.late_result", "{name}: a result came late and was not applied: {said}", (*_RUN, "said"), timeline=True)
REFUSED = Kind("runbook.callback_refused", "{name}: a callback was refused: {said}", (*_RUN, "said"))
