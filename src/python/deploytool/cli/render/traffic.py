"""Findings about the data after a load that are no failure."""

from deploytool.operations.load import TrafficResult


def data_notes(result: TrafficResult) -> list[str]:
    """Return a line on each: what was broken before, and what could not be looked at."""
    notes = [f"broken before it began: {each}" for each in result.broken_before]
    if result.unknown:
        notes.append(result.not_asked)
    return [*notes, f"not looked at to the end: {result.not_seen}"] if result.not_seen else notes
