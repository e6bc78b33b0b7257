"""`python -m` of this package in the sandbox: a step of making the binary of the job there."""

from __future__ import annotations

import sys
from pathlib import Path

from .errors import FreezingError  # pants: no-infer-dep (other resolve)
from .job import JOB_FILE, Job  # pants: no-infer-dep
from .preparation import prepare  # pants: no-infer-dep


def main(step: str) -> None:
    """Do the step, `prepare` or `build`; exits with an explanation when it is not possible."""
    # Put there by `-m`: else the application could import this package.
    sys.path.remove(str(Path.cwd()))
    job = Job.from_json(Path(JOB_FILE).read_text(encoding="utf-8"))
    try:
        if step == "prepare":
            prepare(job)
        else:
            # Half a second for what the other step, done after every edit, has no use for.
            from .building import build  # noqa: PLC0415

            build()
    except FreezingError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1])
