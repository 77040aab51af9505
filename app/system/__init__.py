"""The system itself, for those who run it: how its parts fare, how it is set, what it keeps and for how long.

It owns no table: everything it shows belongs to `core` or to another domain. The last in the order, for it looks at
everybody and nobody looks at it.
"""
