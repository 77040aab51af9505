"""Shadow mode: the whole system, a team, a service or an integration decides everything and reaches nobody.

What would have left stands in a list, with person, channel, time and reason. The switch itself is a row of `core.shadow`,
so that every part that sends can ask.
"""
