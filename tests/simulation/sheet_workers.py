"""The attempts of jobs that read answer sheets, children of an array or not: they speak as jobs by themselves."""

import json
from typing import Any

from control_plane.internal_jobs import rules
from pipeline.contracts.envelope import FinishCall, StartCall, StartReply
from tests.control_plane.omr.sheets import outcome, reading
from tests.simulation.workers import Attempt


class SheetAttempt(Attempt):
    """What it reads names the attempt, in the place of a page's identifier."""

    names: tuple[str, ...] = ()

    def tell_start(self, call: StartCall) -> StartReply:
        reply = super().tell_start(call)
        self.names = tuple(file["name"] for file in reply.spec["files"])
        return reply

    def _outcome(self) -> dict[str, Any]:
        said = f"{self.job.id} {self.number}"
        return outcome(*(reading(name, page_id=said) for name in self.names))

    def files(self) -> tuple[tuple[str, str], ...]:
        overlays = tuple((sheet["overlay"], f"an overlay of {self.job.id}") for sheet in self._outcome()["sheets"])
        return (*overlays, ("outcome.json", json.dumps(self._outcome())))

    def tell_finish(self) -> None:
        rules.finish(self.services, self.key, FinishCall(**self.said, outcome=self._outcome()))
