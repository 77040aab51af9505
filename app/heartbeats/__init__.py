"""Dead-man switches: what has to report in regularly, and the alert when it does not.

Each heartbeat has an integration of its own, which nobody adds by hand: its alerts take the road of every other.
"""
