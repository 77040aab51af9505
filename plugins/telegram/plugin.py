"""Messages by a Telegram bot, with buttons whose answers come back, and kept true as the incident moves on.

Sources: core.telegram.org/bots/api (sendMessage, editMessageText, answerCallbackQuery, setWebhook, ResponseParameters).
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import quote

from app.plugin_api import (
    Address,
    Answer,
    Answered,
    Field,
    Inbound,
    Message,
    NoAccess,
    Receipt,
    Refused,
    Rejected,
    Reply,
    Report,
    Retry,
    Setting,
    deliver,
    hookimpl,
    mapping,
    one_line,
    text,
    web_link,
)

from .reading import pressed, written

SECRET = "TELEGRAM_WEBHOOK_SECRET"
SUBJECT, SIGNS = 400, 1800  # of the 4,096 units of a message; a sign may count twice
BUTTONS = {"acknowledge": "Acknowledge", "resolve": "Resolve", "escalate": "Escalate"}
GONE = ("chat not found", "user not found", "peer_id_invalid", "upgraded to a supergroup", "bot was kicked")


def content(message: Message, *, buttons: bool) -> dict[str, Any]:
    """Text without any markup, links below it, and a button for everything that can be answered now."""
    keys = [{"text": BUTTONS[action], "callback_data": f"{action}:{message.id}"}
            for action in message.actions if buttons and action in BUTTONS]
    links = [f"{link.label}: {link.url}" for link in message.links
             if web_link(link.url) and (link.action == "open" or not keys)]
    said = [one_line(message.subject)[:SUBJECT], message.standing, message.text.strip()]
    words = "\n\n".join(part for part in said if part)[:SIGNS].replace("@", "@\u2060")  # mentions nobody
    return {"text": "\n\n".join([words, "\n".join(links)]).strip(), "link_preview_options": {"is_disabled": True},
            "reply_markup": {"inline_keyboard": [keys] if keys else []}}


def said_by(answer: Answer) -> dict[str, Any]:
    """The object that Telegram answered, if it is one."""
    try:
        return mapping(answer.json())
    except ValueError:
        return {}


def judge(answer: Answer) -> Exception | None:
    """What an error of Telegram's means: the chat, our bot, or this message."""
    said = said_by(answer)
    words = text(said.get("description"))[:200]
    if 200 <= answer.status < 300:
        return None if said.get("ok") is True else Retry("Telegram's answer can't be read")
    if answer.status == 429:
        wait = mapping(said.get("parameters")).get("retry_after")
        return Retry("Telegram asks to wait", after=float(wait)) if isinstance(wait, int) else None
    if answer.status in (401, 404):
        return NoAccess("Telegram does not accept the bot's token")
    if answer.status == 403 or any(sign in words.lower() for sign in GONE):
        return Refused(f"Telegram can't reach this chat: {words}")
    return Rejected(f"Telegram refused it: {words}") if answer.status == 400 else None


def call(config: Any, method: str, **said: Any) -> dict[str, Any]:
    """One method of the bot; its result where that is an object."""
    url = f"{str(config['TELEGRAM_API_URL']).rstrip('/')}/bot{quote(config['TELEGRAM_BOT_TOKEN'], safe=':')}/{method}"
    return mapping(said_by(deliver(url, account=True, judge=judge, json=said)).get("result"))


class Telegram:
    """One message to one chat: a person's with the bot, or a group's."""

    slug, name, provider = "telegram", "Telegram", "Telegram"
    address = Field("address", "Chat id", required=True, help="A number; write /start to the bot, and it tells the way")
    can = frozenset({"verify", "reply", "room", "update"})
    settings = ("TELEGRAM_BOT_TOKEN", SECRET, "TELEGRAM_API_URL")
    needs = ("TELEGRAM_BOT_TOKEN", "TELEGRAM_API_URL")
    callbacks = ("events",)
    refusal = 401

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Send once; without a secret nothing could be heard, so there are links in place of buttons."""
        made = call(config, "sendMessage", chat_id=address.value, disable_notification=message.urgency == "low",
                    **content(message, buttons=bool(config.get(SECRET))))
        return Receipt("sent", "telegram", f"{address.value}/{made.get('message_id', '')}")

    def update(self, message: Message, address: Address, receipt: Receipt, config: Any) -> None:
        """Make what was sent agree with the incident; that it did already is no fault."""
        chat, _, number = receipt.provider_id.rpartition("/")
        if not number.isdecimal():
            raise Rejected("Telegram did not say which message it was")
        try:
            call(config, "editMessageText", chat_id=chat, message_id=int(number),
                 **content(message, buttons=bool(config.get(SECRET))))
        except Rejected as fault:
            if "message is not modified" not in fault.reason.lower():
                raise

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """A pressed button, a command, or an answer to what the bot said."""
        secret, shown = str(config.get(SECRET) or ""), inbound.headers.get("x-telegram-bot-api-secret-token", "")
        if not secret or not hmac.compare_digest(secret.encode(), shown.encode("utf-8", "replace")):
            raise Rejected("Telegram's secret token is wrong", unauthenticated=True)
        update = inbound.object()
        bot = str(config["TELEGRAM_BOT_TOKEN"]).partition(":")[0]
        found = pressed(mapping(update.get("callback_query"))) or written(mapping(update.get("message")), bot)
        return [found] if found else []

    def respond(self, inbound: Inbound, answers: list[Answered], config: Any) -> Answer:
        """The sentence, to who answered and nobody else. That it can't be said changes nothing about what was done."""
        query = text(mapping(inbound.object().get("callback_query")).get("id"))
        for one in answers:
            said = "" if one.silent else one.text
            if query:
                _quietly(config, "answerCallbackQuery", callback_query_id=query, text=said[:200], show_alert=not one.done)
            if one.link and said:
                said = f"{said} To be paged here, sign in and confirm: {one.link}"
            if said and (one.link or not query):
                _quietly(config, "sendMessage", chat_id=one.reply.sender, text=said[:SIGNS],
                         link_preview_options={"is_disabled": True})
        return Answer(200)


def _quietly(config: Any, method: str, **said: Any) -> None:
    try:
        call(config, method, **said)
    except (Retry, Refused, Rejected, NoAccess):
        return


@hookimpl
def channels() -> list[Telegram]:
    """The way out."""
    return [Telegram()]


@hookimpl
def settings() -> list[Setting]:
    """Written TELEGRAM_… in the environment, or entered on the page of the channel."""
    return [
        Setting("BOT_TOKEN", help="Token of the bot, from @BotFather", secret=True),
        Setting("WEBHOOK_SECRET", help="The secret_token given to setWebhook; without it there are no buttons", secret=True),
        Setting("API_URL", "https://api.telegram.org", "Address of the API; a proxy or test double may stand in"),
    ]
