"""Signals at the edges of a program's life, in a process of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

SIGNALLED_WHILE_LEAVING = """
import atexit, os, signal, sys
from pipeline.execution.termination import Termination
atexit.register(os.kill, os.getpid(), signal.SIGTERM)
with Termination():
    pass
sys.exit(65)
"""


def test_a_signal_while_python_leaves_does_not_change_the_exit_code():
    job = subprocess.run([sys.executable, "-c", SIGNALLED_WHILE_LEAVING], cwd=ROOT, timeout=30, check=False)
    assert job.returncode == 65
