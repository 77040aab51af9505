"""Schedules, their layers and their overrides belong here, and nothing else decides who is on duty.

One function, `rules.shifts`, answers for every instant who is on duty, until when and by which layer.
Times are instants in UTC, reckoned on the wall clock of the layer's own zone.
"""
