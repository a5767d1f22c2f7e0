"""`python -m jobs.transcode`: what the container runs. Where Batch's index of an array's child is set, a part."""

import os
import sys

from pipeline.execution.exit_codes import leave_when_stopped
from pipeline.media.probing_soon import probing_soon


def run() -> int:
    leave_when_stopped()
    # Its child loads what it needs while this process does: half of what lies before the first picture is loading.
    with probing_soon():
        from jobs.transcode.program import PART, TRANSCODE  # noqa: PLC0415  # see above
        from pipeline.execution.entrypoint import main  # noqa: PLC0415
        from pipeline.execution.job_environment import ARRAY_INDEX  # noqa: PLC0415

        return main(PART) if ARRAY_INDEX in os.environ else main(TRANSCODE)


if __name__ == "__main__":
    sys.exit(run())
