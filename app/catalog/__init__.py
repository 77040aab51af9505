"""The catalogue of services. It owns services, their owners and tags, and what depends on what.

A service's key is the routing key that senders use; it never changes.
"""
