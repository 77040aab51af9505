"""Journeys: the whole system is started as people start it, and met only from outside."""
