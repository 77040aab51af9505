"""What was measured, beside its target: on the screen, in bench/results, and in the table of bench/RESULTS.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
TABLE = HERE / "RESULTS.md"
BEGIN, END = "<!-- table: written by `make bench` -->", "<!-- end of table -->"
WORSE = 1.2
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Figure:
    """One number. `target` is a limit from above, or from below with `least`; None: only told."""

    what: str
    value: float
    unit: str
    target: float | None = None
    least: bool = False

    @property
    def ok(self) -> bool:
        """Whether the target is met."""
        return self.target is None or (self.value >= self.target if self.least else self.value <= self.target)

    @property
    def verdict(self) -> str:
        """`ok`, `MISSED`, or nothing where there is no target."""
        return "" if self.target is None else "ok" if self.ok else "MISSED"

    @property
    def aim(self) -> str:
        """The target in words."""
        return "" if self.target is None else f"{'≥' if self.least else '≤'} {number(self.target)} {self.unit}"

    def line(self) -> str:
        """As it is printed."""
        return f"  {self.what:58} {number(self.value):>9} {self.unit:13} {self.aim:18} {self.verdict}"


def number(value: float) -> str:
    """Three figures are enough."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def machine() -> str:
    """The machine in a line."""
    cpu = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
               platform.processor() or platform.machine())
    memory = next((int(line.split()[1]) / 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return (f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB, {platform.system()} {platform.release()}, "
            f"Python {platform.python_version()}")


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def commit() -> str:
    """The present commit, with `+` when files are changed."""
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True)
        return done.stdout.strip()
    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--", "app", "plugins") else "")


def store(program: str, database: str, figures: list[Figure], settings: dict[str, str]) -> list[str]:
    """Keep the result (QUAL-01); sentences about figures that are much worse than those kept before on the same machine."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{program}-{database}.json"
    former = json.loads(path.read_text()) if path.exists() else {}
    fresh = {"program": program, "database": database, "date": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()),
             "commit": commit(), "machine": machine(), "settings": settings,
             "command": f"python -m bench.{program} --database {database}",
             "figures": [asdict(figure) | {"ok": figure.ok} for figure in figures]}
    path.write_text(json.dumps(fresh, indent=2, ensure_ascii=False) + "\n")
    return worse(former, figures) if former.get("machine") == fresh["machine"] else []


def worse(former: dict[str, Any], figures: list[Figure]) -> list[str]:
    """Figures with a target that lost more than 20 % against the former result and miss or near their target."""
    found = []
    before = {figure["what"]: figure["value"] for figure in former.get("figures", ())}
    for figure in figures:
        was = before.get(figure.what)
        if figure.target is None or not was or not figure.value:
            continue
        loss = was / figure.value if figure.least else figure.value / was
        if loss > WORSE:
            found.append(f"{figure.what}: {number(figure.value)} {figure.unit}, was {number(was)}")
    return found


def write_table() -> None:
    """Renew the table of RESULTS.md from what is kept; the words around it stay as they are."""
    kept = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*-*.json"))]
    rows = ["| measured | database | result | target | | commit, date |", "|---|---|---|---|---|---|"]
    for result in kept:
        name = NAMES.get(result["database"], result["database"])
        for entry in result["figures"]:
            entry.pop("ok")
            figure = Figure(**entry)
            rows.append(f"| {result['program']}: {figure.what} | {name} | {number(figure.value)} {figure.unit} | "
                        f"{figure.aim} | {figure.verdict} | {result['commit']}, {result['date'][:10]} |")
    machines = sorted({result["machine"] for result in kept})
    text = TABLE.read_text() if TABLE.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    head, _, rest = text.partition(BEGIN)
    table = "\n".join([BEGIN, "", "Machine: " + "; ".join(machines), "", *rows, "", END])
    TABLE.write_text(head + table + rest.partition(END)[2])
