"""What is kept about a person, table by table, and what becomes of it when they are erased: it goes, is emptied, is said of
somebody without a name, or stays because sums and history stand on it. `core/erasure` reads this."""

from __future__ import annotations

from app.core.erasure import NOW, NUMBER, Emptied, Goes, Renamed, Rule, Stays, Told

METHODS = "app.notifications.models.ContactMethod"
MESSAGES = "app.notifications.models.Message"
WHO_DID_IT = "who did what on an incident"
WHOSE_DUTY = "whose duty it was, which hours and fairness are counted from"
LESSONS = "who wrote, reviewed and does what in a postmortem"

# In this order: what names other rows goes before them.
PERSONAL: tuple[Rule, ...] = (
    # How they came in.
    Goes("app.identity.models.LoginSession"), Goes("app.identity.models.Device"), Goes("app.identity.models.ApiToken"),
    Goes("app.identity.models.SetupLink"), Goes("app.identity.models.Identity"), Goes("app.identity.models.CodeGenerator"),
    Goes("app.identity.models.RecoveryCode"), Goes("app.identity.models.Passkey"), Goes("app.identity.models.Membership"),
    # How they were reached. Methods and messages stay as rows: figures of delivery count them.
    Goes("app.notifications.models.NotificationRule"), Goes("app.notifications.models.DutyNotices"),
    Goes("app.notifications.models.QuietHours"), Goes("app.notifications.models.OneTapLink"),
    Goes("app.notifications.channel_models.ReplyCode"),
    Goes("app.notifications.models.ContactCode", by="method_id", through=METHODS),
    Emptied(METHODS, reached=("address",), values={
        "name": NUMBER, "address": "", "data_sealed": None, "proven_at": None, "disabled_at": None, "disabled_reason": "",
        "removed_at": NOW}),
    Emptied("app.notifications.channel_models.Surface", by="message_id", through=MESSAGES, values={
        "address": "", "next_at": None}),
    Emptied(MESSAGES, reached=("address",), values={"address": "", "data_sealed": None, "provider_id": ""}),
    Emptied("app.notifications.channel_models.HeardReply", reached=("sender",), values={"sender": "", "said": {}}),
    # What they made for themselves.
    Goes("app.oncall.calendar_models.CalendarFeed"), Goes("app.oncall.calendar_models.CalendarLink"),
    Goes("app.incidents.models.Follower"), Goes("app.incidents.models.BulkMove"),
    Goes("app.incidents.models.SavedView", unless="team_id"),
    Goes("app.insights.models.DigestWish"), Goes("app.insights.models.DigestCopy"),
    Goes("app.postmortems.models.Unsaved"), Goes("app.workflows.models.WorkflowDraft"), Goes("app.config.models.Errand"),
    Goes("app.config.models.ManagedObject", by="ref"),
    # History: the same person, by their number.
    Stays("app.incidents.models.Responder", because=WHO_DID_IT), Stays("app.incidents.models.Role", because=WHO_DID_IT),
    Stays("app.incidents.models.Task", by="owner_id", because=WHO_DID_IT),
    Stays("app.incidents.models.SavedView", because="a view of a team's is the team's"),
    Stays("app.catalog.models.Window", by="owner_id", because="whose silence it was"),
    Stays("app.oncall.models.Override", by="replaces_id", because=WHOSE_DUTY),
    Stays("app.oncall.models.Swap", by="proposer_id", because=WHOSE_DUTY),
    Stays("app.oncall.models.Swap", by="counterpart_id", because=WHOSE_DUTY),
    Stays("app.oncall.models.CoverRequest", because=WHOSE_DUTY), Stays("app.oncall.models.CoverPart", because=WHOSE_DUTY),
    Stays("app.oncall.models.HandoverNote", by="author_id", because="what they wrote to whoever came next"),
    Stays("app.insights.models.PageFact", because="whom pages woke"),
    Stays("app.shadow.models.Unsent", because="whom it would have paged"),
    Stays("app.runbooks.models.Execution", by="started_id", because="who started it"),
    Stays(METHODS, because="figures of delivery stand on it"), Stays(MESSAGES, because="figures of delivery stand on it"),
    Stays("app.notifications.channel_models.HeardReply", because="who answered"),
    Stays("app.postmortems.models.Postmortem", by="owner_id", because=LESSONS),
    Stays("app.postmortems.models.Postmortem", by="author_id", because=LESSONS),
    Stays("app.postmortems.models.PostmortemReview", because=LESSONS),
    Stays("app.postmortems.models.ActionItem", by="owner_id", because=LESSONS),
    # Copies of the name beside a reference.
    Renamed("app.incidents.models.Incident", by="acknowledged_by", name="acknowledged_name"),
    Renamed("app.incidents.models.Incident", by="resolved_by", name="resolved_name"),
    Renamed("app.incidents.models.Note", by="author", name="author_name"),
    Renamed("app.incidents.models.Update", by="author", name="author_name"),
    Renamed("app.status_pages.models.NoticeUpdate", by="author", name="author_name"),
    Renamed("app.status_pages.maintenance_models.WindowUpdate", by="author", name="author_name"),
    # A publication says for ever what it said.
    Renamed("app.postmortems.models.PostmortemVersion", by="author", name="author_name", unless="publication"),
    Renamed("app.postmortems.models.PostmortemComment", by="author_id", name="author_name"),
    Renamed("app.runbooks.models.RunbookVersion", by="author", name="author_name"),
    Renamed("app.runbooks.models.Execution", by="started", name="started_name"),
    Renamed("app.workflows.models.WorkflowVersion", by="author", name="author_name"),
    Renamed("app.config.models.AppliedDocument", by="actor", name="actor_name"),
    # Copies of the name alone.
    Renamed("app.incidents.models.Task", by="", name="done_by"),
    Renamed("app.heartbeats.models.Heartbeat", by="", name="muted_by"),
    Renamed("app.oncall.models.ScheduleVersion", by="", name="made_by"),
    Renamed("app.runbooks.models.Runbook", by="", name="approved_name"),
    Renamed("app.runbooks.models.Secret", by="", name="replaced_by"),
    Renamed("app.postmortems.models.ShareLink", by="", name="made_by"),
    Renamed("app.status_pages.models.Component", by="", name="override_name"),
    Renamed("app.insights.models.NoiseMark", by="", name="by"),
    Renamed("app.core.shadow.Shadow", by="", name="by_name"), Renamed("app.core.shadow.Shadow", by="", name="ended_by_name"),
    Renamed("app.core.plugin_switches.PluginSwitch", by="", name="by"),
    Renamed("app.partners.models.Entry", by="", name="actor_name"),
    # What the house wrote about many.
    Told(MESSAGES, ("reason", "error")), Told("app.insights.models.DeliverySum", ("reason",)),
    Told("app.shadow.models.Unsent", ("reason",)),
    Told("app.notifications.channel_models.DutyPost", ("text",)), Told("app.insights.models.Digest", ("text", "ahead")),
    Told("app.workflows.models.WorkflowRun", ("reason", "event", "error")),
    Told("app.workflows.models.WorkflowStep", ("output", "request", "response", "error", "warnings")),
    Told("app.runbooks.models.Execution", ("subject", "reason")), Told("app.escalation.models.Hold", ("reason",)),
    Told("app.ingest.models.Delivery", ("note", "results")),
    Told("app.core.once.Sending", ("told",)), Told("app.config.models.ManagedObject", ("said",)),
    Told("app.config.models.Errand", ("said", "found", "title", "error", "progress")),
)
