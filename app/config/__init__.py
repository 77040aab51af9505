"""Configuration as code. It owns the document: its schema, reading, comparing, applying and exporting.

Everything that can be configured by hand can be written down, compared and applied in one transaction.
"""
