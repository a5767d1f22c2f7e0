"""Signals at the edges of a program's life, in a process of its own."""

import subprocess
import sys
from pathlib import Path

from pipeline.execution.exit_codes import EXIT_TRANSIENT

ROOT = Path(__file__).parents[4]

SIGNALLED_WHILE_LEAVING = """
import atexit, os, signal, sys
from pipeline.execution.attempt.termination import Termination
atexit.register(os.kill, os.getpid(), signal.SIGTERM)
with Termination():
    pass
sys.exit(65)
"""

SIGNALLED_WHILE_IMPORTING = """
import os, signal, sys
from pipeline.execution.entrypoint import main
from tests.fixtures.toy_job import PROGRAM
class Reclaim:
    def find_spec(name, *_):
        if name == "pipeline.execution.attempt.remote_run":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Reclaim)
sys.exit(main(PROGRAM))
"""


def test_a_signal_before_the_attempt_has_begun_asks_for_another_attempt():
    job = subprocess.run(
        [sys.executable, "-c", SIGNALLED_WHILE_IMPORTING], cwd=ROOT, env={"JOB_ID": "1"}, timeout=30, check=False
    )
    assert job.returncode == EXIT_TRANSIENT


def test_a_signal_while_python_leaves_does_not_change_the_exit_code():
    job = subprocess.run([sys.executable, "-c", SIGNALLED_WHILE_LEAVING], cwd=ROOT, timeout=30, check=False)
    assert job.returncode == 65
