"""The centre. It owns alerts, incidents, who was asked to respond, notes, and the table of allowed moves.

It knows nobody above it: those who page, escalate or route call down into its commands or react to its events.
"""
