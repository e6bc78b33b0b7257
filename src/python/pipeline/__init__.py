"""The work that a change asks of the gate: pure decisions, beside them git and Pants to ask."""
