"""When a cron or interval trigger fires: pure functions from what it says and an instant to the next instants.

Cron times are those of cronsim (https://github.com/cuu508/cronsim), which answers as Debian's cron does where clocks
are changed: a job at a fixed hour that is left out runs at the first minute after the gap, and in an hour that comes
twice it runs the first time; a job at every hour or every few minutes follows the time that passes.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from actors.scans.contract.definitions import Trigger
from cluster.errors import InvalidInput

CLOCK_KINDS = ("cron", "interval")
MISSED_COUNTED = 1000
# In the hour that comes twice cronsim gives times that lie behind: at most a step for each minute of the longest fold.
STEPS = 200


class Firing(NamedTuple):
    """A planned time that is due: when the next one is, and how many behind it have passed as well (at most 1,000)."""

    next_at: datetime | None
    missed: int


def check(trigger: Trigger) -> None:
    """Raises InvalidInput unless a cron or interval trigger says a time."""
    if trigger.kind == "interval" and trigger.seconds is None:
        raise InvalidInput("An interval needs its length.", "Give `seconds`, 10 or more.")
    if trigger.kind == "cron" and next_after(trigger, datetime.now(UTC), datetime.now(UTC)) is None:
        raise InvalidInput(f"'{trigger.expression}' never comes.", "Name a day that exists.")


def next_after(trigger: Trigger, planned: datetime, now: datetime) -> datetime | None:
    """The first time above `now`, in UTC; None if there is none in 50 years.

    An interval counts from `planned` in whole steps, so that late firings do not make it drift.
    """
    if trigger.kind == "interval":
        step = timedelta(seconds=trigger.seconds or 0)
        return planned.astimezone(UTC) + max(1, (now - planned) // step + 1) * step
    times = _cron(trigger, now)
    for _ in range(STEPS):
        at = next(times, None)
        if at is None or (at := at.astimezone(UTC)) > now:
            return at
    return None


def fire(trigger: Trigger, planned: datetime, now: datetime) -> Firing:
    """What becomes of a trigger whose `planned` time has come by `now`."""
    after = next_after(trigger, planned, now)
    if trigger.kind == "interval":
        missed = (now - planned) // timedelta(seconds=trigger.seconds or 0)
        return Firing(after, min(missed, MISSED_COUNTED))
    missed, at = 0, next_after(trigger, planned, planned)
    while at is not None and at <= now and missed < MISSED_COUNTED:
        missed, at = missed + 1, next_after(trigger, at, at)
    return Firing(after, missed)


def _cron(trigger: Trigger, now: datetime) -> CronSim:
    try:
        zone = ZoneInfo(trigger.timezone)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            f"'{trigger.timezone}' is no time zone.", "Use a name of the IANA database, such as Europe/Berlin."
        ) from None
    expression = trigger.expression or ""
    if len(expression.split()) != 5:
        raise InvalidInput("A cron expression has five fields.", "Give minute, hour, day, month and day of the week.")
    try:
        return CronSim(expression, now.astimezone(zone))
    except (CronSimError, AssertionError) as error:
        raise InvalidInput(f"'{expression}' is no cron expression ({error}).", "Correct the field named.") from None
