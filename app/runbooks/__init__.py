"""Prepared remedies: the library with its approvals, what was executed, and the secrets that automations use.

The system executes nothing itself; a target, which is a plugin, is called with what was approved. Each execution ends
within its time, is never silently repeated, and leaves a complete trail on the incident.
"""
