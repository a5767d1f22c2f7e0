"""EventBridge and SQS: events that are lost, doubled, late and out of order, and messages that come again."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from control_plane.events.queue import AT_ONCE, Message
from pipeline.errors import Unavailable
from tests.simulation.faults import Faults
from tests.simulation.schedule import Schedule

VISIBLE_AGAIN_S = 30.0
MOST_RECEIVES = 20


@dataclass
class _Letter:
    body: str
    visible_at_s: float
    receives: int = 0


class Mail:
    """Implements `EventQueue`. With `drops_all`, no event ever arrives.

    `on_delete` is told of each message before it goes; `on_arrival` that there is one.
    """

    def __init__(self, schedule: Schedule, faults: Faults, *, drops_all: bool) -> None:
        self._schedule = schedule
        self._faults = faults
        self._drops_all = drops_all
        self._letters: dict[str, _Letter] = {}
        self.on_delete: Callable[[Message], None] = lambda _message: None
        self.on_arrival: Callable[[], None] = lambda: None

    def publish(self, detail: dict[str, Any]) -> None:
        """A "Batch Job State Change", which EventBridge hands on as well as it does."""
        if self._drops_all or self._faults.strike("event dropped"):
            return
        body = json.dumps({"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail})
        for _ in range(2 if self._faults.strike("event doubled") else 1):
            late = self._faults.strike("event late")
            delay_s = self._faults.random.uniform(0.2, 90.0 if late else 2.0)
            self._schedule.after(delay_s, lambda: self._arrive(body))

    def _arrive(self, body: str) -> None:
        self._letters[f"receipt-{self._faults.random.getrandbits(64):x}"] = _Letter(body, self._schedule.now_s)
        self.on_arrival()

    def receive(self) -> list[Message]:
        def take() -> list[Message]:
            now_s = self._schedule.now_s
            visible = [(receipt, letter) for receipt, letter in self._letters.items() if letter.visible_at_s <= now_s]
            for receipt, letter in visible[:AT_ONCE]:
                letter.visible_at_s = now_s + VISIBLE_AGAIN_S
                letter.receives += 1
                self._schedule.after(VISIBLE_AGAIN_S, partial(self._show_again, receipt))
                if letter.receives > MOST_RECEIVES:
                    # A dead letter: a person looks at it, and the sweep at its job.
                    del self._letters[receipt]
            return [Message(letter.body, receipt) for receipt, letter in visible[:AT_ONCE]]

        return self._faults.call("sqs receive", take, error=_away)

    def _show_again(self, receipt: str) -> None:
        if receipt in self._letters:
            self.on_arrival()

    def delete(self, message: Message) -> None:
        def remove() -> None:
            if not self._faults.strike("deleted message shown again", share=0.1):
                self._letters.pop(message.receipt, None)

        self.on_delete(message)
        self._faults.call("sqs delete", remove, error=_away)

    @property
    def is_empty(self) -> bool:
        return not self._letters


def _away() -> Exception:
    return Unavailable("events_unavailable", "simulated")
