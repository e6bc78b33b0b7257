"""One JSON object a line on standard error, whoever logs."""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor


def configure(level: str, *, service: str, revision: str) -> None:
    """Set up logging for the process; `level` as in LOG_LEVEL."""

    def add_origin(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {"service": service, "revision": revision, **event}

    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # The traceback as text: in its structured form it can show variables, and so secrets.
        structlog.processors.format_exc_info,
        add_origin,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # One line for each request that goes out would be an access log.
    for chatty in ("httpx2", "httpcore2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *processors,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
