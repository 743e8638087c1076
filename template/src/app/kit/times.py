"""Times: kept in UTC, shown in the zone of whoever reads them."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_datetime


@cache
def time_zones() -> frozenset[str]:
    """All names of the IANA time zone database, such as Asia/Singapore."""
    return frozenset(available_timezones())


def format_time(moment: datetime, language: str, time_zone: str) -> str:
    """A moment as people of a language write it, in a time zone, which it names."""
    return format_datetime(moment, "long", tzinfo=ZoneInfo(time_zone), locale=language)
