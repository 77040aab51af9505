"""People, teams and access. It owns accounts, memberships, login sessions, API tokens and the table of who may do what.

Nobody else decides a permission: every command asks `identity.queries.allow` in its first line.
"""
