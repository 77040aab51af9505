"""From one person to the next until somebody answers. It owns policies and the runs that follow them.

A run works on the policy as it was when the run began; its next step is a row with a due time, never a delayed job.
"""
