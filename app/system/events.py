"""What administrators do to the system itself."""

from app.core.events import Kind

JOB_RUN_AGAIN = Kind("job.run_again", "{actor} let a job that failed run again: {what}", ("what", "error"))
JOB_DROPPED = Kind("job.dropped", "{actor} dropped a job that failed: {what}", ("what", "error"))
