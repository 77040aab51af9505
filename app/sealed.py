"""What is stored encrypted: the columns, and what each text is bound to."""

from __future__ import annotations

from app.core.rotation import Sealed

# What a new key has to be brought to.
SEALED: tuple[Sealed, ...] = (
    Sealed("app.ingest.models.Integration", "token_sealed", "integration:{key}/token"),
    Sealed("app.ingest.models.Integration", "secret_sealed", "integration:{key}/secret"),
    Sealed("app.ingest.models.Integration", "config", "integration:{key}/{field}", within=True),
    Sealed("app.ingest.models.FormerCredential", "sealed", "former:{hash}"),
    Sealed("app.heartbeats.models.Heartbeat", "token_sealed", "heartbeat:{key}/token"),
    Sealed("app.webhooks.models.Webhook", "secret_sealed", "webhook:{key}/secret"),
    Sealed("app.runbooks.models.Secret", "value_sealed", "secret:{id}/value"),
    Sealed("app.connections.models.Connection", "config", "connection:{key}/{field}", within=True),
    Sealed("app.runbooks.models.Execution", "token_sealed", "execution:{token_hash}/token"),
    Sealed("app.runbooks.models.Execution", "parameters_sealed", "execution:{token_hash}/parameters"),
    Sealed("app.notifications.models.ContactMethod", "data_sealed", "contact_method:{id}/data"),
    Sealed("app.notifications.models.Message", "data_sealed", "message:{id}/data"),
    Sealed("app.oncall.calendar_models.CalendarFeed", "token_sealed", "calendar_feed:{token_hash}"),
    Sealed("app.oncall.calendar_models.CalendarLink", "grant_sealed", "calendar_link:{mark}/{plugin}"),
    Sealed("app.oncall.models.CalendarImport", "url_sealed", "calendar_import:{url_hash}"),
    Sealed("app.notifications.channel_models.ChannelAccount", "config_sealed", "channel_account:{id}/config"),
    Sealed("app.status_pages.models.StatusPage", "export_sealed", "status_page:{slug}/export"),
    Sealed("app.status_pages.subscriber_models.Subscriber", "token_sealed", "status_subscriber:{token_hash}"),
    Sealed("app.status_pages.subscriber_models.Subscriber", "confirm_sealed", "status_confirm:{confirm_hash}"),
    Sealed("app.config.models.Errand", "sealed", "errand:{key}/sealed"),
    Sealed("app.identity.models.CodeGenerator", "sealed", "user:{user_id}/codes"),
    Sealed("app.identity.models.SingleSignOn", "client_secret_sealed", "single_sign_on:{id}/client_secret"),
    Sealed("app.core.former.FormerPerson", "sealed", "former_person:{ref}"),
    Sealed("app.identity.models.Challenge", "sealed", "challenge:{token_hash}"),
)
