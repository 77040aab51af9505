"""Signed calls to other systems when something happened: who hears what, and each delivery with its outcome.

A webhook hears kinds of events of its team, or those of every team that is not private. A delivery is a row before it
is a call.
"""
