"""What can be said about runbooks, their executions, and the secrets that automations use."""

from app.core.events import Kind

SECRET_CREATED = Kind("secret.created", "{actor} stored the secret {name}", ("name", "scope"))
SECRET_REPLACED = Kind("secret.replaced", "{actor} replaced the secret {name}", ("name", "scope"))
SECRET_DELETED = Kind("secret.deleted", "{actor} deleted the secret {name}", ("name", "scope"))
