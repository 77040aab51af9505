"""Signed calls to other systems when something happened: who hears what, and each delivery with its outcome.

A webhook hears kinds of events of its team, or of everybody's that is no private team. A delivery is a row before it is a call.
"""
