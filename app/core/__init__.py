"""The ground floor: settings, database, the event log, jobs, time, pages and access. It knows nothing of incidents."""
