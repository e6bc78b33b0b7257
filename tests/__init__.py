"""The tests of all that is in this repository."""
