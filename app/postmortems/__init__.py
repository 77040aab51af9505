"""Documents that people learn from: drafted from the log of incidents, reviewed, frozen when published; and what follows.

Each save is a version, which nothing changes any more. A published version holds text, facts and timeline as readers saw
them; of a draft only the text is stored, its timeline is the log itself, of which incidents lose nothing.
"""
