"""The sandboxed half of `jobs.transcode.encoding.encode` for the sound alone."""

from collections.abc import Callable, Iterator
from pathlib import Path

from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.stream import Discard

from jobs.transcode.encoding.checking import before_check, check_sound, during_check
from jobs.transcode.encoding.encode import SoundRequest
from jobs.transcode.planning.plan import Plan
from jobs.transcode.sound.track import encode_sound
from pipeline.media.opening import UNREADABLE, open_source
from pipeline.media.packets import read_packets

# Progress is told this often, in decoded frames: about every two seconds of AAC.
REPORT_EVERY = 100


def encode_sound_track(request: bytes, progress: Callable[[float], None]) -> dict[str, object]:
    asked = SoundRequest.model_validate_json(request)
    plan = asked.plan
    with open_source(Path(asked.source), max_streams=asked.max_streams) as container:
        facts = encode_sound(
            _frames(container, plan, before_check(progress)),
            origin_s=plan.origin_s,
            grid=plan.grid,
            audio_bps=plan.audio_bps,
            gain_db=plan.gain_db,
            output=Path(asked.output),
        )
    check_sound(facts, Path(asked.output), progress=during_check(progress))
    return facts.model_dump(mode="json")


def _frames(container: InputContainer, plan: Plan, progress: Callable[[float], None]) -> Iterator[AudioFrame]:
    """What cannot be read is left out, as beside the pictures: whether it matters is for what they cover to say."""
    assert plan.audio is not None, "nobody asks for the sound of a plan without one"
    for stream in container.streams:
        if stream.index != plan.audio.index:
            stream.discard = Discard.all
    decoded = 0
    try:
        for packet in read_packets(container, container.streams[plan.audio.index]):
            try:
                frames = packet.decode()
            except UNREADABLE:
                continue
            for frame in frames:
                if isinstance(frame, AudioFrame):
                    decoded += 1
                    if decoded % REPORT_EVERY == 0 and frame.time is not None:
                        progress(min(1.0, max(0.0, (frame.time - plan.origin_s) / float(plan.grid.duration_s))))
                    yield frame
    except UNREADABLE:
        pass
