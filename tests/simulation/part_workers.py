"""The attempts of an array's children: as any job's, with calls of their own and one archive to leave."""

import json

from control_plane.internal_jobs import part_rules
from pipeline.contracts.envelope import FailCall, FinishCall, StartCall, StartReply, UploadsCall, UploadsReply
from pipeline.contracts.transcode_part import PART_NAME
from tests.simulation.workers import Attempt


class PartAttempt(Attempt):
    @property
    def part(self) -> int:
        assert self.job.index is not None, "a child has one"
        return self.job.index

    @property
    def archive(self) -> str:
        return f"{PART_NAME} of {self.job.id} {self.number}"

    def files(self) -> tuple[tuple[str, str], ...]:
        return (PART_NAME, self.archive), ("outcome.json", json.dumps(self._outcome()))

    def _outcome(self) -> dict[str, object]:
        return {"status": "ready", "size_bytes": len(self.archive)}

    def tell_start(self, call: StartCall) -> StartReply:
        return part_rules.start(self.services, self.key, self.part, call)

    def tell_uploads(self, call: UploadsCall) -> UploadsReply:
        return part_rules.sign_uploads(self.services, self.key, self.part, call)

    def tell_finish(self) -> None:
        call = FinishCall(**self.said, outcome=self._outcome())
        part_rules.finish(self.services, self.key, self.part, call)

    def tell_failure(self, call: FailCall) -> None:
        part_rules.fail(self.services, self.key, self.part, call)
