"""Reaching a person. It owns contact methods, personal rules, the outbox of messages, and one-tap links.

Every message is a row before anything is sent; sending is claim, call, record, with nothing open in between.
"""
