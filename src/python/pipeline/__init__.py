"""The steps of the pipeline: what `.ci/*` runs, on a laptop and in the workflows alike.

Beside the delivery and the review of a change, the work that it asks of the gate: pure decisions,
beside them git and Pants to ask.
"""
