"""Accounts at other products through which the house acts: what workflows post with, and where tickets are made.

A connection belongs to a team, or to everybody. Its secrets are sealed and never shown; plugins say what it needs.
"""
