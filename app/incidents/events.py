"""What can be said about an incident."""

from app.core.events import Kind

OPENED = Kind("incident.opened", "Triggered by {source}: {title}",
              ("title", "severity", "source", "service", "delivery", "former", "test"), timeline=True)
ROUTED = Kind("incident.routed", "{reason}", ("reason", "step", "service", "policy"), timeline=True)
ALERT_JOINED = Kind("incident.alert_joined", "Another alert joined: {title}", ("title", "alert", "severity"),
                    timeline=True)
SEVERITY_RAISED = Kind("incident.severity_raised", "Severity raised from {before} to {after} by {actor}",
                       ("before", "after"), timeline=True)
ACKNOWLEDGED = Kind("incident.acknowledged", "{actor} acknowledged by {via}", ("via",), timeline=True)
STILL_ON_IT = Kind("incident.acknowledge_renewed", "{actor} is still on it", ("via",), timeline=True)
UNACKNOWLEDGED = Kind("incident.unacknowledged", "{actor} gave it back: nobody has it", ("via",), timeline=True)
ASSIGNED = Kind("incident.assigned", "{actor} assigned it to {people}", ("people", "ids", "former"), timeline=True)
RESPONDERS_ADDED = Kind("incident.responders_added", "{actor} asked {people} to help", ("people", "ids"),
                        timeline=True)
RESPONDER_ANSWERED = Kind("incident.responder_answered", "{actor} {answer} the request to help", ("answer", "tell"),
                          timeline=True)
NOTE_ADDED = Kind("incident.note_added", "{actor} wrote a note", ("note", "body", "tell"), timeline=True)
NOTE_EDITED = Kind("incident.note_edited", "{actor} changed a note", ("note", "body", "before"), timeline=True)
NOTE_DELETED = Kind("incident.note_deleted", "{actor} deleted a note", ("note",), timeline=True)
SEVERITY_LOWERED = Kind("incident.severity_lowered", "{actor} lowered the severity from {before} to {after}",
                        ("before", "after"), timeline=True)
URGENCY_CHANGED = Kind("incident.urgency_changed", "{actor} changed the urgency from {before} to {after}",
                       ("before", "after"), timeline=True)
TEXT_CHANGED = Kind("incident.text_changed", "{actor} changed the {what}, which was: {before}",
                    ("what", "before", "after"), timeline=True)
ROLE_TAKEN = Kind("incident.role_taken", "{actor} is {role} now", ("role", "former"), timeline=True)
ROLE_GIVEN = Kind("incident.role_given", "{actor} made {person} {role}", ("role", "person", "former", "tell"), timeline=True)
ROLE_RELEASED = Kind("incident.role_released", "{actor} gave up the role {role} for {person}", ("role", "person"),
                     timeline=True)
TASK_ADDED = Kind("incident.task_added", "{actor} added the task: {title}", ("task", "title", "owner", "tell"),
                  timeline=True)
TASK_CHANGED = Kind("incident.task_changed", "{actor} {change} the task: {title}", ("task", "title", "change", "tell"),
                    timeline=True)
UPDATE_POSTED = Kind("incident.update_posted", "{actor} told those who wait", ("update", "body", "tell"), timeline=True)
UPDATES_TIMED = Kind("incident.updates_timed", "{actor} wants an update {every}", ("every",), timeline=True)
UPDATE_DUE = Kind("incident.update_due", "An update for those who wait is due", ("tell",), timeline=True)
MERGED = Kind("incident.merged", "{actor} merged it into #{target}", ("target", "alerts"), timeline=True)
MERGED_IN = Kind("incident.merged_in", "{actor} merged #{source} into it: {title}", ("source", "title", "alerts"),
                 timeline=True)
UNMERGED = Kind("incident.unmerged", "{actor} took it out of #{target} again", ("target", "alerts"), timeline=True)
UNMERGED_FROM = Kind("incident.unmerged_from", "{actor} took #{source} out again", ("source", "alerts"), timeline=True)
UNDONE = Kind("incident.undone", "{actor} took that back: {what}", ("what", "status"), timeline=True)
PRIORITY_CHANGED = Kind("incident.priority_changed", "{actor} set the priority to {after}", ("before", "after"),
                        timeline=True)
SNOOZED = Kind("incident.snoozed", "{actor} snoozed it until {until}", ("until",), timeline=True)
SNOOZE_ENDED = Kind("incident.snooze_ended", "The snooze is over{reason}", ("reason",), timeline=True)
RESOLVED = Kind("incident.resolved", "{actor} resolved it by {via}", ("via", "note", "nobody_acted"), timeline=True)
REOPENED = Kind("incident.reopened", "{actor} reopened it", ("via",), timeline=True)
VIEW_SAVED = Kind("view.saved", "{actor} saved the view {name}", ("name", "query", "team"))
VIEW_REMOVED = Kind("view.removed", "{actor} removed the view {name}", ("name",))
STORM_BEGAN = Kind("incident.storm_began", "A storm: {reason}", ("reason",), timeline=True)
STORM_OVER = Kind("incident.storm_over", "The storm is over after {number} alerts: new ones open their own incidents",
                  ("number",), timeline=True)
FLAPPING = Kind("incident.flapping", "Flapping: {number} openings in 30 minutes, it stays open until 15 minutes are quiet",
                ("number",), timeline=True)
LET_PAGE = Kind("incident.let_page", "{actor} let it page: it was silent since it was in shadow", timeline=True)
