"""What happens to the system itself."""

from app.core.events import Kind

FAILED = Kind("system.part_failed", "{part} stands still: {reason}", ("part", "reason", "since"))
RECOVERED = Kind("system.part_recovered", "{part} works again, after {lasted}", ("part", "lasted", "since"))
PROVED = Kind("system.proved", "The chain from clock to worker is proved by handing this entry over, again and again",
              inner=True)
