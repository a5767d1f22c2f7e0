"""Stores a job's outputs by presigned PUTs, a few at a time."""

from collections import deque
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Protocol

import requests

from pipeline.contracts.envelope import OutputFile, SignedPut
from pipeline.errors import JobError, TransientError
from pipeline.execution.files.object_transfer import Interrupted, SignatureExpired, put_object
from pipeline.execution.step_clock import Report
from pipeline.reasons import Reason
from pipeline.retrying import UPLOAD, Patience, retrying

# Signatures expire: a group is signed just before it is sent. The control plane takes 500 at most.
GROUP_FILES = 100
THREADS = 4
SIGNATURES_PER_FILE = 3
TICK_S = 0.2


class Signer(Protocol):
    def sign(self, files: Sequence[OutputFile]) -> tuple[SignedPut, ...]: ...


class Publisher:
    """Sends files from disk; memory does not grow with their number or size.

    Raises `TransientError(STORAGE_UNAVAILABLE)` when the store stays away, and what the signer raises.
    """

    def __init__(self, session: requests.Session, signer: Signer, *, patience: Patience = UPLOAD) -> None:
        self._session = session
        self._signer = signer
        self._patience = patience

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        total_bytes = sum(file.size_bytes for file in files) or 1
        stored_bytes = 0
        for start in range(0, len(files), GROUP_FILES):
            group = files[start : start + GROUP_FILES]
            _refuse_another_size(root, group)
            sending = _Sending(self, root, list(zip(group, self._signer.sign(group), strict=True)))
            base_bytes = stored_bytes

            def on_tick(sent_bytes: int, base_bytes: int = base_bytes) -> None:
                report((base_bytes + sent_bytes) / total_bytes)

            sending.run(on_tick)
            stored_bytes += sum(file.size_bytes for file in group)

    def store(self, path: Path, file: OutputFile, put: SignedPut, *, stop: Event, on_sent: Report) -> None:
        """Send one file until it is stored, with new signatures where the old ones are refused."""
        for _ in range(SIGNATURES_PER_FILE - 1):
            try:
                return self._send(path, file, put, stop=stop, on_sent=on_sent)
            except SignatureExpired:
                (put,) = self._signer.sign([file])
        return self._send(path, file, put, stop=stop, on_sent=on_sent)

    def _send(self, path: Path, file: OutputFile, put: SignedPut, *, stop: Event, on_sent: Report) -> None:
        def send_once() -> None:
            with _Body(path, on_sent, stop) as body:
                put_object(self._session, put, body, file)

        retrying(self._patience, on=Interrupted, until=stop)(send_once)


class _Sending:
    """One group of files on its way. Its threads are daemons: a process that was told to stop waits for no answer."""

    def __init__(self, publisher: Publisher, root: Path, items: list[tuple[OutputFile, SignedPut]]) -> None:
        self._publisher = publisher
        self._root = root
        self._count = len(items)
        self._waiting = deque(items)
        self._results: SimpleQueue[JobError | OSError | None] = SimpleQueue()
        self._sent_bytes: dict[str, float] = {}
        self._stop = Event()

    def run(self, on_tick: Callable[[int], None]) -> None:
        threads = [
            Thread(target=self._work, name=f"upload-{number}", daemon=True)
            for number in range(min(THREADS, self._count))
        ]
        for thread in threads:
            thread.start()
        try:
            stored = 0
            while stored < self._count:
                try:
                    error = self._results.get(timeout=TICK_S)
                except Empty:
                    if not any(thread.is_alive() for thread in threads) and self._results.empty():
                        raise RuntimeError("the upload threads have died") from None
                else:
                    if error is not None:
                        raise error
                    stored += 1
                on_tick(int(sum(self._sent_bytes.values())))
        finally:
            self._stop.set()

    def _work(self) -> None:
        while self._waiting and not self._stop.is_set():
            try:
                file, put = self._waiting.popleft()
            except IndexError:
                return
            path = self._root / file.path

            def on_sent(count: float, name: str = file.path) -> None:
                self._sent_bytes[name] = count

            try:
                self._publisher.store(path, file, put, stop=self._stop, on_sent=on_sent)
            except (JobError, OSError) as exc:
                self._results.put(exc)
                return
            self._results.put(None)


class _Body(FileIO):
    """A file being sent: counts what was read and ends the request when the others have been given up."""

    def __init__(self, path: Path, on_sent: Report, stop: Event) -> None:
        super().__init__(path)
        self._on_sent = on_sent
        self._stop = stop

    def read(self, size: int | None = -1, /) -> bytes:
        if self._stop.is_set():
            raise TransientError(Reason.TERMINATED, f"upload of {self.name} given up")
        data = super().read(-1 if size is None else size)
        self._on_sent(self.tell())
        return data


def _refuse_another_size(root: Path, files: Sequence[OutputFile]) -> None:
    for file in files:
        size = (root / file.path).stat().st_size
        if size != file.size_bytes:
            raise ValueError(f"{file.path} has {size} bytes, was announced with {file.size_bytes}")
