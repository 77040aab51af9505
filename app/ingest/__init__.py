"""Every way in. It owns integrations, the inbox of deliveries, and the decision what a signal means and where it goes.

The request stores the raw delivery and answers; everything else happens afterwards, in arrival order, and can be
looked at, explained and replayed.
"""
