"""Partners: people outside of the organisation who may read certain status pages, and nothing else.

They have no password and no role: a link by mail opens a login of a day. Accounts, links and logins have tables and a cookie
of their own, so that no mistake in one world opens a door in the other. What they do is in a log of their own.
"""
