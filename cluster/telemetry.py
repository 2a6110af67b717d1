"""Structured logs: one JSON object a line on standard error, with time, level, process and the fields of the event."""

import logging
import os
import sys

import structlog

from cluster.settings import settings


def configure_logging(process: str) -> None:
    """Sets up the logs of this process, named in every line. Fields must be names and figures, never data values."""
    level = logging.getLevelNamesMapping().get(settings().log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process=process, pid=os.getpid())


def place_of(error: BaseException) -> str:
    """File and line where an error was raised, for a log that must not repeat its message, which may quote data."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""
