"""A plan as a table, with a footer that counts every op."""

from deploytool.cli.render.text import table, terminal_width
from deploytool.operations.plan import Plan


def plan_as_text(plan: Plan) -> str:
    """Return the plan as text."""
    rows = [(str(change.op), change.object, change.why) for change in plan.changes]
    counts = ", ".join(f"{count} {op}" for op, count in plan.counts().items())
    return f"{table(('op', 'object', 'why'), rows, terminal_width())}\n{counts}"
