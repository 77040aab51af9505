"""What can be said about workflows and their runs."""

from app.core.events import Kind

CREATED = Kind("workflow.created", "{actor} created the workflow {name}", ("name", "version", "before", "after"))
CHANGED = Kind("workflow.changed", "{actor} changed the workflow {name}", ("name", "version", "before", "after"))
ENABLED = Kind("workflow.enabled", "{actor} switched {name} on", ("name",))
DISABLED = Kind("workflow.disabled", "{actor} switched {name} off", ("name",))
ARCHIVED = Kind("workflow.archived", "{actor} archived {name}", ("name",))
RESTORED = Kind("workflow.restored", "{actor} took {name} back into use", ("name",))
OPTED = Kind("workflow.private_team_opted", "{actor} {word} global workflows to act on incidents of {name}",
             ("name", "word"))
RUN_STARTED = Kind("workflow.run_started", "Workflow {workflow} began: {reason}", ("workflow", "run", "reason", "version"),
                   timeline=True)
STEP_ENDED = Kind("workflow.step_ended", "{workflow}, {step}: {outcome}",
                  ("workflow", "run", "step", "outcome", "state", "seconds", "attempts", "error"), timeline=True)
RUN_ENDED = Kind("workflow.run_ended", "Workflow {workflow} {outcome}",
                 ("workflow", "run", "outcome", "state", "error", "seconds"), timeline=True)
REFUSED = Kind("workflow.refused", "Workflow {workflow} did not start: {reason}", ("workflow", "run", "reason", "chain"),
               timeline=True)
TICKET_MADE = Kind("workflow.ticket_made", "{workflow} made the ticket {key}", ("workflow", "run", "key", "url", "product"),
                   timeline=True)
