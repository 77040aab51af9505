"""What workflows add to other pages: where a secret or a connection is used."""

from __future__ import annotations

from collections.abc import Sequence

from app.connections.models import Connection
from app.core.panels import Use
from app.runbooks import vault
from app.runbooks.models import Runbook, Secret
from app.workflows import documents, queries
from app.workflows.models import Workflow


def using_secrets(found: Sequence[Secret]) -> dict[int, list[Use]]:
    """The workflows whose present graph names each of these secrets."""
    present = [(documents.secrets_of(definition), _use(workflow)) for workflow, definition in queries.present()]
    return vault.meant(found, present)


def using_connections(found: Sequence[Connection]) -> dict[int, list[Use]]:
    """The workflows whose present graph acts by each of these connections."""
    present = [(documents.connections_of(definition), _use(workflow)) for workflow, definition in queries.present()]
    return {one.id: [use for keys, use in present if one.key in keys] for one in found}


def using_runbook(runbook: Runbook) -> list[Use]:
    """The workflows whose present graph runs the runbook."""
    return [_use(workflow) for workflow, definition in queries.present()
            if any(node.get("runbook") == runbook.key for node in definition["nodes"])]


def _use(workflow: Workflow) -> Use:
    return Use(f"Workflow {workflow.name}", f"/workflows/{workflow.key}", workflow.team_id)
