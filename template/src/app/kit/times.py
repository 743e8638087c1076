"""Times: kept in UTC, shown in the zone of whoever reads them."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel import dates


@cache
def time_zones() -> frozenset[str]:
    """All names of the IANA time zone database, such as Asia/Singapore."""
    return frozenset(available_timezones())


def format_time(moment: datetime, language: str, time_zone: str) -> str:
    """A moment to the minute, as people of a language write it, in a time zone, which it names."""
    local = moment.astimezone(ZoneInfo(time_zone))
    date, time = dates.format_date(local, "long", locale=language), dates.format_time(local, "short", locale=language)
    return f"{date}, {time} ({dates.get_timezone_name(local, 'long', locale=language)})"
