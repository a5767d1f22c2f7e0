"""A job's own process stays small: it holds the token and talks, and others decode."""

import json
import subprocess
import sys

from tests.pipeline.execution.conftest import ROOT

HEAVY = {"av", "boto3", "botocore", "psycopg", "fastapi", "cv2", "numpy", "rich.progress", "pydantic_settings"}
# Python itself takes 10 MiB; requests, pydantic, redis and structlog together some 40.
MOST_MEMORY_MIB = 80
SCRIPT = """
import json, sys, psutil
import pipeline.execution.entrypoint
print(json.dumps([psutil.Process().memory_info().rss / 2**20, sorted(sys.modules)]))
"""


def test_the_entry_point_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    memory_mib, modules = json.loads(done.stdout)
    assert not HEAVY & set(modules)
    assert memory_mib < MOST_MEMORY_MIB
