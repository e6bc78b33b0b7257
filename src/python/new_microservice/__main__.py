"""What `python -m new_microservice` runs: the service, or with `probe PATH` a question to it."""

import gc
import sys


def main() -> None:
    """Serve until told to stop, or exit with 0 when the probe is answered well, else with 1."""
    if sys.argv[1:2] == ["probe"]:
        # Runs every few seconds, beside the service: it loads nothing but this.
        from new_microservice.entrypoints.probing import probe  # noqa: PLC0415

        sys.exit(probe(sys.argv[2:]))
    # Nothing that is loaded now becomes garbage. To look for some takes a tenth of the start, and
    # again some of every later search.
    gc.disable()
    from new_microservice.main import main as serve  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    serve()


if __name__ == "__main__":
    main()
