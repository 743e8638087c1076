"""`app dev` that cannot start."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_database_out_of_reach_is_one_line(tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    command = [sys.executable, "-m", "app", "dev", "--port", "0", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **nowhere}, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("PostgreSQL does not answer: ")
    assert len(done.stderr.splitlines()) == 1
