"""The report on one canary: from the record alone, without its target and without a lock."""

from pathlib import Path

from deploytool.errors import DeployError
from deploytool.record.history import read_canary
from deploytool.record.report.page import page
from deploytool.record.report.reading import read_report


def report(log: Path, folder: Path, run: str, file: Path | None) -> Path:
    """Write the report, and return its path: file, or RUN.html in the folder.

    run: "" for the latest canary; one that has not ended is reported as far as it went. Raises
    InvalidInput when there is no such canary, DeployError when the file cannot be written.
    """
    canary = read_report(read_canary(log, run))
    path = file or folder / f"{canary.run}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(canary), encoding="utf-8")
    except OSError as error:
        raise DeployError(
            f"the report {path} cannot be written",
            why=error.strerror or str(error),
            hint="name another file by --file",
        ) from error
    return path
