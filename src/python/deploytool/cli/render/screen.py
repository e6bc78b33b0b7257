"""The live view's picture of a `Progress`: lines of text, none wider than the terminal.

Pure: the same progress, moment and size give the same screen. Colour only stresses what marks
and words say already.
"""

import re
import textwrap
from collections.abc import Iterable
from datetime import datetime

from rich.text import Text

from deploytool.canary.machine import Phase
from deploytool.canary.verdict import Decision
from deploytool.cli.render.evidence import evidence_lines, evidence_parts
from deploytool.cli.render.figures import figure_lines
from deploytool.cli.render.progress import Progress
from deploytool.operations.view import CanaryView

# Beside figures; more would draw the eye away from them.
_MOST_EVENTS = 8
_NO_BREAK = "\N{NO-BREAK SPACE}"
# "HH:MM:SS  "
_TIME_WIDTH = 10

_DOING = {
    Phase.STARTING: "the canary starts; it gets no requests before it is ready",
    Phase.HELD: "held: a person decides",
    Phase.PROMOTING: "promoting: every request goes to the canary, stable's last ones end",
    Phase.REPLACING: "stable is brought to the canary's revision; the canary serves meanwhile",
    Phase.RETURNING: "the requests go back to stable, which runs the canary's revision now",
    Phase.CLEANING: "the canary drains and is removed",
    Phase.RESTORING: "stable is brought back to its revision; the canary serves meanwhile",
    Phase.ABORTING: "taken back: every request goes to stable, the canary drains",
}
_VERDICTS = {
    Decision.CONTINUE: "not decided",
    Decision.ADVANCE: "step passed",
    Decision.PROMOTE: "promote",
    Decision.ROLLBACK: "roll back",
    Decision.HOLD: "hold",
}


def render(progress: Progress, now: datetime, width: int, height: int) -> Text:
    """Return the screen. What happened last fills the lines that the figures leave free."""
    blocks = _blocks(progress, now, width, is_short=False)
    if _height(blocks) >= height:
        blocks = _blocks(progress, now, width, is_short=True)
    least = min(3, len(progress.happened))
    is_airy = _height(blocks) + len(blocks) + least < height
    room = height - 1 - _height(blocks) - (len(blocks) if is_airy else 0)
    blocks.append(_events(progress, width, max(1, room)))
    lines: list[Text] = []
    for block in blocks:
        if lines and block and is_airy:
            lines.append(Text())
        lines += block
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", no_wrap=True).join(lines)


def canary_lines(progress: Progress, now: datetime, width: int) -> list[Text]:
    """Return where a canary stands, its figures and the evidence: what `status` shows of it."""
    blocks = (
        _where(progress, now, width),
        _numbers(progress, width),
        _evidence(progress, width, is_short=False),
    )
    lines: list[Text] = []
    for block in blocks:
        lines += [Text(), *block] if lines and block else block
    return lines


def _blocks(progress: Progress, now: datetime, width: int, *, is_short: bool) -> list[list[Text]]:
    """Return the parts of the screen. is_short: without what one can do without."""
    blocks = [
        _heading(progress, now, width),
        _where(progress, now, width),
        _numbers(progress, width),
        _evidence(progress, width, is_short=is_short),
        _traffic(progress, width, is_short=is_short),
    ]
    return [block for block in blocks if block]


def _events(progress: Progress, width: int, room: int) -> list[Text]:
    """Return the last events: whole where there are no figures yet, else a line each."""
    texts: Iterable[str] = progress.happened[-_MOST_EVENTS:]
    if progress.figures is None:
        texts = [
            line for text in progress.happened for line in _wrapped(text, width, indent=_TIME_WIDTH)
        ]
    return [Text(text, style="dim") for text in list(texts)[-room:]]


def _height(blocks: Iterable[list[Text]]) -> int:
    return sum(len(block) for block in blocks)


def _heading(progress: Progress, now: datetime, width: int) -> list[Text]:
    elapsed = _minutes(progress.elapsed_s(now))
    if progress.canary is None:
        return [_apart(Text(f"deploytool {progress.command}", style="bold"), elapsed, width)]
    canary = progress.canary
    title = Text.assemble(f"{progress.command} of ", (canary.component, "bold"))
    revisions = (
        f"{canary.canary} against itself: the same as stable"
        if canary.stable == canary.canary
        else f"stable {canary.stable}, canary {canary.canary}"
    )
    return [
        _apart(title, elapsed, width),
        _apart(Text(revisions), canary.run, width),
        *difference_lines(canary, width),
    ]


def difference_lines(canary: CanaryView, width: int) -> list[Text]:
    """Return in what the canary differs from stable; nothing where it is the same revision."""
    return _paragraph(f"differs in: {', '.join(canary.differs)}" if canary.differs else "", width)


def _apart(left: Text, right: str, width: int) -> Text:
    """Return a line with something at both ends; the right one goes where there is no room."""
    gap = width - left.cell_len - len(right)
    return Text.assemble(left, " " * gap, right) if gap > 1 else left


def _where(progress: Progress, now: datetime, width: int) -> list[Text]:
    if progress.canary is None:
        doing = progress.waits_for and f"waits for: {progress.waits_for}"
        return _paragraph(doing, width)
    lines = _flow(_marked(progress), width)
    lines += _paragraph(_phase(progress, progress.canary, now), width)
    lines += _paragraph(_why(progress, progress.canary), width)
    return lines


def _marked(progress: Progress) -> list[Text]:
    """Return each stage of the canary with its mark."""
    assert progress.canary is not None
    items = []
    is_promoted = progress.canary.phase is Phase.PROMOTED
    for number, name in enumerate(progress.stages):
        if number < progress.stage or is_promoted:
            items.append(Text(f"✓ {name}", style="green"))
        elif number > progress.stage:
            items.append(Text(f"○ {name}", style="dim"))
        elif progress.is_taken_back:
            items.append(Text(f"✗ {name}", style="bold red"))
        else:
            items.append(Text(f"● {name}", style="bold"))
    if progress.is_taken_back:
        is_over = progress.canary.phase is Phase.ROLLED_BACK
        items.append(Text("✓ taken back" if is_over else "● take back", style="bold"))
    return items


def _phase(progress: Progress, canary: CanaryView, now: datetime) -> str:
    since = _minutes(progress.phase_s(now))
    match canary.phase:
        case Phase.PROMOTED:
            return f"promoted: {canary.canary} is stable"
        case Phase.ROLLED_BACK:
            return f"rolled back: {canary.stable} is stable, as before"
        case Phase.OBSERVING:
            limit = f" of at most {_minutes(canary.limit_s)}" if canary.limit_s else ""
            what = f"step {canary.step + 1}/{len(canary.steps)}: {canary.weight} % to the canary"
            text = f"{what}, for {since}{limit}"
        case _:
            text = f"{_DOING[canary.phase]}, for {since}"
    return f"{progress.result}: {text}" if progress.result in {"interrupted", "failed"} else text


def _why(progress: Progress, canary: CanaryView) -> str:
    if progress.waits_for:
        return f"waits for: {progress.waits_for}"
    if canary.phase is Phase.OBSERVING:
        word = _VERDICTS[progress.verdict] if progress.verdict else ""
        return f"{word}: {progress.sentence}" if word else ""
    return f"why: {progress.decision}" if progress.decision else ""


def _numbers(progress: Progress, width: int) -> list[Text]:
    if progress.figures is None:
        return []
    return figure_lines(progress.figures, width, is_step_current=progress.is_step_counted)


def _evidence(progress: Progress, width: int, *, is_short: bool) -> list[Text]:
    if (figures := progress.figures) is None:
        return []
    bars = evidence_lines(figures, width, is_step_current=progress.is_step_counted)
    return bars if is_short else [*bars, *_paragraph(evidence_parts(figures), width)]


def _traffic(progress: Progress, width: int, *, is_short: bool) -> list[Text]:
    if (load := progress.load) is None:
        return []
    rate = f"{progress.rate:.0f} requests/s; " if progress.rate is not None else ""
    lines = _paragraph(f"traffic: {rate}{load.summary()}", width)
    if load.recent_failures and not is_short:
        latest = load.recent_failures[-1]
        at = datetime.fromtimestamp(latest.at, tz=progress.began.tzinfo)
        source = f" from {latest.revision}" if latest.revision else ""
        text = f"last failure {at:%H:%M:%S}: {latest.kind}{source}, {latest.step}"
        lines += _paragraph(text, width)
    return lines


def _paragraph(text: str, width: int) -> list[Text]:
    """Return the text in lines; what stands before its first colon is a label."""
    lines = [Text(line) for line in _wrapped(text, width, indent=2)]
    if lines:
        lines[0].highlight_regex(r"^[a-z ]+:", style="bold")
    return lines


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    """Break the text into lines, but never between a number and its unit."""
    bound = re.sub(r"(?<=\d) (?=%|(?:ms|s)\b)", _NO_BREAK, text)
    lines = textwrap.wrap(bound, width, subsequent_indent=" " * indent)
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _flow(items: Iterable[Text], width: int) -> list[Text]:
    """Lay the items out in as few lines as the width allows."""
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + 2 + item.cell_len <= width:
            lines[-1].append("  ").append_text(item)
        else:
            lines.append(Text().append_text(item))
    return lines


def _minutes(seconds: float) -> str:
    """Write a duration as M:SS, or as H:MM:SS from an hour on."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{rest // 60}:{rest % 60:02d}"
