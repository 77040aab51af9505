"""All measurements, one program after the other: each target beside what was found, and which were missed."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from bench import report

PROGRAMS = ("schedules", "routing", "ingest", "paging", "handing", "storm", "timers", "search",
            "viewing", "footprint", "replay", "access", "status", "insights", "workflows", "runbooks", "partners",
            "postmortems")


def main() -> None:
    """Run each in a process of its own with the same options; exit 1 when a target was missed."""
    began, failed = time.time(), []
    for name in PROGRAMS:
        print(f"== {name}", flush=True)
        words = [] if name in ("schedules", "routing") else sys.argv[1:]
        if subprocess.run([sys.executable, "-m", f"bench.{name}", *words], cwd=report.HERE.parent).returncode:
            failed.append(name)
    if "--small" not in sys.argv:
        _summary(began)
    verdict = f"not fulfilled: {', '.join(failed)}" if failed else "all fulfilled"
    print(f"{(time.time() - began) / 60:.1f} minutes; {verdict}")
    sys.exit(1 if failed else 0)


def _summary(began: float) -> None:
    print("== summary")
    for path in sorted(report.RESULTS.glob("*-*.json")):
        if path.stat().st_mtime < began:
            continue
        kept = json.loads(path.read_text())
        figures = [report.Figure(**{name: value for name, value in entry.items() if name != "ok"})
                   for entry in kept["figures"]]
        for figure in figures:
            if figure.target is not None:
                print(f"{kept['database']:10} {figure.line()}")


if __name__ == "__main__":
    main()
