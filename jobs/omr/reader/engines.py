"""Which engines judge the bubbles of a batch: one whose word counts, and one that it is checked against."""

from dataclasses import dataclass

from jobs.omr.marks.classical import ClassicalEngine
from jobs.omr.marks.engine import MarkEngine, MarkStates
from jobs.omr.marks.patches import PatchBatch
from jobs.omr.networks.mark_engine import NetworkMarkEngine
from pipeline.contracts.omr import Engine


@dataclass(frozen=True)
class Engines:
    """`provider` is what the network runs on, None without one."""

    first: MarkEngine
    check: MarkEngine | None
    provider: str | None

    def judge(self, patches: PatchBatch) -> tuple[MarkStates, MarkStates | None]:
        return self.first.judge(patches), None if self.check is None else self.check.judge(patches)


def open_engines(wanted: Engine) -> Engines:
    match wanted:
        case Engine.AUTO | Engine.NETWORK:
            network = NetworkMarkEngine()
            return Engines(network, ClassicalEngine(), network.provider.value)
        case Engine.CLASSICAL:
            return Engines(ClassicalEngine(), None, None)
