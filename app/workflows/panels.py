"""What workflows add to other pages: where a secret or a connection is used."""

from __future__ import annotations

from app.connections.models import Connection
from app.runbooks import vault
from app.runbooks.models import Runbook, Secret
from app.workflows import documents, queries


def using_secret(secret: Secret) -> list[vault.Use]:
    """The workflows whose present graph names the secret."""
    return [vault.Use(f"Workflow {workflow.name}", f"/workflows/{workflow.key}")
            for workflow, definition in queries.present()
            if secret.name in documents.secrets_of(definition) and vault.means(secret, secret.name, workflow.team_id)]


def using_connection(connection: Connection) -> list[str]:
    """The workflows whose present graph acts by the connection."""
    return [f"Workflow {workflow.name}" for workflow, definition in queries.present()
            if connection.key in documents.connections_of(definition)]


def using_runbook(runbook: Runbook) -> list[str]:
    """The workflows whose present graph runs the runbook."""
    return [f"Workflow {workflow.name}" for workflow, definition in queries.present()
            if any(node.get("runbook") == runbook.key for node in definition["nodes"])]
