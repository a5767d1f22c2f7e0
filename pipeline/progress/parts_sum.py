"""The progress of an array's child: what all children have done is shown as the progress of their job.

Each keeps its own share in a hash beside the job's progress key and writes what they add up to. Whoever is late writes
less than is there, which changes nothing: see `scripts/advance_progress.lua`.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.contracts.envelope import PartProgress, Step
from pipeline.progress.keys import IN_PROGRESS_TTL_S
from pipeline.progress.news import ProgressNews
from pipeline.progress.scripts import load_script

if TYPE_CHECKING:
    import redis

# The join job's first attempt goes on where its parts have ended, and is the one that the executor tells of meanwhile.
JOIN_ATTEMPT = 1
# Below this much, elapsed / done says more about the start-up than about the rest.
MEANINGFUL_PERCENT = 3.0


@dataclass(frozen=True)
class PartOf:
    """A child's place in its job: of the job's `steps` the children do `step` and all before it."""

    part: PartProgress
    steps: tuple[Step, ...]
    step: Step


class PartsSum:
    """Makes news of the whole job from news of a child."""

    def __init__(self, client: "redis.Redis", place: PartOf) -> None:
        self._add: Any = client.register_script(load_script("add_part"))
        self._part = place.part
        self._steps = place.steps
        self._step = place.step

    def whole(self, news: ProgressNews) -> ProgressNews:
        now = time.time()
        answer = self._add(
            keys=[self._part.key], args=[self._part.number, news.percent / 100, round(now, 3), IN_PROGRESS_TTL_S]
        )
        done = min(1.0, float(answer[0]) / self._part.of)
        share = sum(step.weight for step in self._steps if step.index <= self._step.index)
        percent = 100.0 * done * share / sum(step.weight for step in self._steps)
        elapsed_s = now - float(answer[1])
        return ProgressNews(
            percent=percent,
            remaining_s=elapsed_s * (100.0 - percent) / percent if percent >= MEANINGFUL_PERCENT else None,
            step=self._step,
            step_total=len(self._steps),
            step_percent=100.0 * done,
        )
