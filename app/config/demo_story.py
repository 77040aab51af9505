"""What happened in the example organisation during the last 14 days: what senders said and what people did."""

from __future__ import annotations

from dataclasses import dataclass

DAY, HOUR = 24 * 60, 60


@dataclass(frozen=True)
class Act:
    """Something that happened: `ago` minutes before now, by whom, about which problem."""

    ago: float
    what: str
    problem: str = ""
    who: str = ""
    text: str = ""


@dataclass(frozen=True)
class Problem:
    """One thing that broke: who says so, about which service, how bad."""

    name: str
    sender: str
    service: str
    severity: str
    title: str


PROBLEMS = {one.name: one for one in (
    Problem("cards", "prometheus", "checkout", "critical", "Card payments failing: 5xx above 12 %"),
    Problem("queue", "prometheus", "ledger", "high", "Booking queue growing for 10 minutes"),
    Problem("lag", "prometheus", "database", "high", "Replica lags 90 s behind"),
    Problem("disk", "prometheus", "database", "medium", "Disk of db-1 is full in 4 hours"),
    Problem("slow", "shop-checks", "search", "high", "Search answers in 4 s instead of 0.3 s"),
    Problem("down", "shop-checks", "storefront", "critical", "Front page not reachable from Frankfurt and Ohio"),
    Problem("app", "shop-checks", "mobile-api", "medium", "Mobile API: error rate 2 %"),
    Problem("main", "build-farm", "build", "low", "Build of main is red"),
    Problem("fraud", "prometheus", "fraud-check", "medium", "Fraud check skips its model"),
    Problem("cert", "build-farm", "checkout", "high", "Certificate of pay.example.com ends in 6 days"),
)}


def _past(name: str, days: float, who: str, note: str = "", *, first: float, lasted: float) -> list[Act]:
    """A problem that was acknowledged after `first` minutes and over after `lasted`."""
    began = days * DAY
    acts = [Act(began, "fires", name), Act(began - first, "acknowledge", name, who)]
    acts += [Act(began - (first + lasted) / 2, "note", name, who, note)] if note else []
    return [*acts, Act(began - lasted, "recovers", name)]


STORY: tuple[Act, ...] = (
    Act(13.9 * DAY, "runbook", "", "ana", "set up"),
    Act(13.4 * DAY - 20, "runbook", "lag", "dana", "restart-replica"),
    Act(12.2 * DAY - 18, "runbook", "cards", "ana", "fail-over-payments"),
    Act(9.1 * DAY - 15, "runbook", "queue", "bob", "drain-queue"),
    Act(3.6 * DAY - 9, "runbook", "lag", "eli", "restart-replica"),
    Act(6.2 * DAY - 11, "runbook", "cards", "bob", "fail-over-payments"),
    Act(55, "runbook", "lag", "dana", "restart-replica"),
    *(Act(1440 * day - 90, "reports", "nightly-backup", text="backed up 212 GB in 14 files") for day in range(1, 14)),
    *(Act(60 * hour + 4, "reports", "invoice-run", text="87 invoices") for hour in range(12)),
    *_past("lag", 13.4, "dana",
           "A vacuum held the replica up. Moved it to the night.", first=3, lasted=42),
    *_past("cards", 12.2, "ana",
           "The provider throttles us; switched to the second one.", first=2, lasted=31),
    *_past("main", 11.6, "eli", first=55, lasted=180),
    *_past("slow", 10.3, "farah",
           "Index was rebuilt at noon. That belongs to the night.", first=12, lasted=65),
    *_past("queue", 9.1, "bob", first=7, lasted=28),
    *_past("disk", 8.5, "eli",
           "Old backups removed, alert on growth instead of fill level asked for.", first=4, lasted=90),
    *_past("app", 7.4, "farah", first=22, lasted=48),
    *_past("cards", 6.2, "bob", first=9, lasted=16),
    *_past("fraud", 5.3, "chen", first=6, lasted=240),
    *_past("main", 4.7, "dana", first=30, lasted=95),
    *_past("lag", 3.6, "eli", first=2, lasted=19),
    *_past("down", 2.4, "farah",
           "The certificate of the edge had been renewed on one of two machines only.", first=4, lasted=23),
    Act(9.1 * DAY - 4, "fires again", "queue"), Act(6.2 * DAY - 3, "fires again", "cards"),
    Act(3.5 * DAY, "unreadable", "down"), Act(1.2 * DAY, "unreadable", "main"),
    Act(8.2 * DAY, "joins", "platform-primary", "dana", "ana"),
    Act(1.9 * DAY, "fires", "slow"), Act(1.9 * DAY - 33, "resolve", "slow", "farah", "Cache warmed by hand"),
    Act(1.1 * DAY, "fires", "main"), Act(1.1 * DAY - 50, "recovers", "main"),
    Act(20 * HOUR, "fires", "disk"), Act(20 * HOUR - 8, "acknowledge", "disk", "dana"),
    Act(20 * HOUR - 15, "note", "disk", "dana", "Volume grows by 200 GB tonight, approved."),
    Act(5 * HOUR, "fires", "cert"), Act(5 * HOUR - 11, "acknowledge", "cert", "bob"),
    Act(5 * HOUR - 12, "assign", "cert", "bob", "chen"),
    Act(9 * HOUR, "swap", "platform-primary", "eli", "My daughter starts school that week"),
    Act(7 * HOUR, "cover", "platform-primary", "dana", "A wedding; I am back the evening after"),
    Act(170, "silences", "main", "dana", "The build farm moves to new machines today"), Act(100, "fires", "main"),
    Act(95, "fires", "lag"), Act(92, "acknowledge", "lag", "dana"), Act(80, "fires again", "lag"),
    Act(70, "note", "lag", "dana", "Failing over does not help, the writes come in bursts. Looking at the jobs."),
    Act(64, "responders", "lag", "dana", "eli"),
    Act(91, "role", "lag", "dana", "commander"), Act(63, "role", "lag", "eli", "scribe"),
    Act(63, "answer", "lag", "eli", "accepted"),
    Act(62, "severity", "lag", "dana", "critical"), Act(61, "updates", "lag", "dana", "60"), Act(61, "follow", "lag", "ana"),
    Act(60, "update", "lag", "dana", "Reports are up to **two minutes** old. Orders and payments are not affected."),
    Act(58, "task", "lag", "dana", "Find the job that writes in bursts"),
    Act(57, "task", "lag", "eli", "Ask finance whether the export may wait"),
    Act(35, "finish", "lag", "eli", "Ask finance whether the export may wait"),
    Act(40, "fires", "app"), Act(39, "fires", "slow"), Act(33, "merge", "slow", "farah", "app"),
    Act(7, "fires", "cards"), Act(4, "fires again", "cards"), Act(2, "fires", "queue"),
)
