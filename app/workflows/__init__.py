"""Graphs of conditions, delays, actions and runbooks that run when something happens: their versions, runs and steps.

A workflow may order everybody about and nobody depends on it: it acts by the same commands as people, and what a run did
stands on the incident's timeline. Whatever waits is a row with a due time; no worker is held.
"""
