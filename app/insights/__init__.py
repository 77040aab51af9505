"""Figures that help to page less, share the load fairly and trust the delivery.

Reads all others and changes none of them; keeps sums of its own, which can be made again from the log at any time.
"""
