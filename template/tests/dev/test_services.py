"""The embedded services of a directory."""

from pathlib import Path

import pytest

from app.dev.services import ServicesError, running_services


def test_a_directory_serves_one_process_at_a_time_and_a_given_address_starts_nothing(tmp_path: Path) -> None:
    given = {"database_url": "postgresql://given", "redis_url": "redis://given"}
    with running_services(tmp_path, "app", durable=False, **given) as addresses:
        assert (addresses.database_url, addresses.redis_url) == ("postgresql://given", "redis://given")
        second = running_services(tmp_path, "app", durable=False, **given)
        with pytest.raises(ServicesError, match="another process"), second:
            pass
    assert [file.name for file in tmp_path.iterdir()] == ["lock"]
