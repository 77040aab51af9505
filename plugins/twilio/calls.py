"""What a call says and what the keys mean: 1 acknowledge, 2 details, 9 next level, * no more calls."""

from __future__ import annotations

from collections.abc import Mapping

from app.plugin_api import Answer, Answered, Message, Reply, Report, spoken

from .wire import attribute, plain, twiml

KEYS = {"1": "acknowledge", "2": "details", "9": "escalate", "*": "stop"}
CHOICES = "Press 1 to acknowledge. Press 2 for details. Press 9 to escalate now. Press star to stop calls to this number."
ENDED = {"busy": "The line was busy", "no-answer": "Nobody answered", "failed": "The call could not be made",
         "canceled": "The call was not made"}
MACHINES = ("machine", "fax")


def heard(form: Mapping[str, str], message: str = "") -> list[Reply | Report]:
    """Who took the call, the key that was pressed, or how it ended. Only a person counts as reached."""
    call, status = form.get("CallSid", ""), form.get("CallStatus", "")
    if status in ENDED:
        again = 60 if status in ("busy", "no-answer") else 0
        return [Report(call, "failed", ENDED[status], again=again)]
    if not message:
        return []
    if form.get("AnsweredBy", "").startswith(MACHINES):
        return [Report(call, "failed", "A voicemail took the call")]
    key = form.get("Digits", "")
    if not key:
        return [Report(call, "delivered"), Reply("details", message=message)]
    action = KEYS.get(key, "details")
    return [Reply(action, message=message, text="again" if action == "details" else "",
                  id="" if action == "details" else f"{call}:{key}")]


def menu(answers: list[Answered], back: str) -> Answer:
    """What is said next: the incident and the choices, twice; after a key that acted its sentence, and the end."""
    if not answers:
        return twiml("<Hangup/>")
    last = answers[-1]
    if last.reply.action != "details":
        return twiml(("Say", last.text), "<Hangup/>")
    words = last.text if last.reply.text or last.message is None else spoken(last.message)
    gather = (f'<Gather numDigits="1" timeout="10" action={attribute(back)} method="POST">'
              f"<Say>{plain(words)}</Say><Say>{CHOICES}</Say></Gather>")
    return twiml(gather, gather, ("Say", "Goodbye."))


def first_words(message: Message) -> str:
    """A code or a test, said twice."""
    said = f"<Say>{plain(spoken(message))}</Say>"
    return twiml(said, '<Pause length="1"/>', said).text
