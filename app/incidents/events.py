"""What can be said about an incident."""

from app.core.events import Kind

OPENED = Kind("incident.opened", "Triggered by {source}: {title}",
              ("title", "severity", "source", "service", "delivery", "former", "test"), timeline=True)
ROUTED = Kind("incident.routed", "{reason}", ("reason", "step", "service", "policy"), timeline=True)
ALERT_JOINED = Kind("incident.alert_joined", "Another alert joined: {title}", ("title", "alert", "severity"),
                    timeline=True)
SEVERITY_RAISED = Kind("incident.severity_raised", "Severity raised from {before} to {after}", ("before", "after"),
                       timeline=True)
ACKNOWLEDGED = Kind("incident.acknowledged", "{actor} acknowledged by {via}", ("via",), timeline=True)
UNACKNOWLEDGED = Kind("incident.unacknowledged", "{actor} gave it back: nobody has it", ("via",), timeline=True)
ASSIGNED = Kind("incident.assigned", "{actor} assigned it to {people}", ("people", "ids", "former"), timeline=True)
RESPONDERS_ADDED = Kind("incident.responders_added", "{actor} asked {people} to help", ("people", "ids"),
                        timeline=True)
NOTE_ADDED = Kind("incident.note_added", "{actor} wrote a note", ("note", "body"), timeline=True)
PRIORITY_CHANGED = Kind("incident.priority_changed", "{actor} set the priority to {after}", ("before", "after"),
                        timeline=True)
SNOOZED = Kind("incident.snoozed", "{actor} snoozed it until {until}", ("until",), timeline=True)
SNOOZE_ENDED = Kind("incident.snooze_ended", "The snooze is over", (), timeline=True)
RESOLVED = Kind("incident.resolved", "{actor} resolved it by {via}", ("via", "note", "nobody_acted"), timeline=True)
REOPENED = Kind("incident.reopened", "{actor} reopened it", ("via",), timeline=True)
