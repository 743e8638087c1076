"""Times: stored in UTC, shown in the reader's time zone."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from babel import dates
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from app.kit.i18n import N_

_EXPECTED = N_("Must be a date and a time with its zone, such as 2026-11-22T08:00:00Z")


def _written_out(value: object) -> object:
    # pydantic would read a number as seconds, which the API document does not promise.
    if isinstance(value, str) and not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]", value):
        raise ValueError(_EXPECTED)
    return value


def _in_utc(moment: datetime) -> datetime:
    # In some zones, the first and last day of the calendar are out of range in UTC, and PostgreSQL's driver would fail.
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(_EXPECTED) from None


# A point in time that a caller sends, in UTC.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]


@cache
def time_zones() -> frozenset[str]:
    """All names of the IANA time zone database, such as Asia/Singapore."""
    return frozenset(available_timezones())


def format_time(moment: datetime, language: str, time_zone: str) -> str:
    """Format a time to the minute for a language and a time zone. The text names the zone."""
    local = moment.astimezone(ZoneInfo(time_zone))
    date, time = dates.format_date(local, "long", locale=language), dates.format_time(local, "short", locale=language)
    return f"{date}, {time} ({dates.get_timezone_name(local, 'long', locale=language)})"
