"""What workflows add to other pages: where a secret or a connection is used."""

from __future__ import annotations

from app.connections.models import Connection
from app.core.panels import Use
from app.runbooks import vault
from app.runbooks.models import Runbook, Secret
from app.workflows import documents, queries
from app.workflows.models import Workflow


def using_secret(secret: Secret) -> list[Use]:
    """The workflows whose present graph names the secret."""
    return [_use(workflow) for workflow, definition in queries.present()
            if secret.name in documents.secrets_of(definition) and vault.means(secret, secret.name, workflow.team_id)]


def using_connection(connection: Connection) -> list[Use]:
    """The workflows whose present graph acts by the connection."""
    return [_use(workflow) for workflow, definition in queries.present()
            if connection.key in documents.connections_of(definition)]


def using_runbook(runbook: Runbook) -> list[Use]:
    """The workflows whose present graph runs the runbook."""
    return [_use(workflow) for workflow, definition in queries.present()
            if any(node.get("runbook") == runbook.key for node in definition["nodes"])]


def _use(workflow: Workflow) -> Use:
    return Use(f"Workflow {workflow.name}", f"/workflows/{workflow.key}", workflow.team_id)
