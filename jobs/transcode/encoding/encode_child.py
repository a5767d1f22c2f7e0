"""The sandboxed half of `jobs.transcode.encoding.encode`: decodes once and feeds all renditions and the sound."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.frame import Frame
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from jobs.transcode.devices.encoders import VideoEncoder
from jobs.transcode.devices.engines import choose_engines
from jobs.transcode.encoding.checking import before_check, check_pictures, during_check
from jobs.transcode.encoding.coverage import Coverage
from jobs.transcode.encoding.crew import Crew, Stage
from jobs.transcode.encoding.damage import refuse_damage
from jobs.transcode.encoding.encode import FIRST_PICTURE, CoverageFacts, EncodeReport, EncodeRequest, TrackFacts
from jobs.transcode.encoding.pictures import Picture, Placement, Shaper, output_matrix, wide_colours
from jobs.transcode.encoding.rendition import encode_rendition
from jobs.transcode.encoding.seeking import find_start, read_first_picture, read_from_key_frame
from jobs.transcode.parts.cutting import whole
from jobs.transcode.planning.plan import Plan
from jobs.transcode.sound.track import encode_sound
from pipeline.errors import PermanentError
from pipeline.media.opening import UNREADABLE, find_video, open_source
from pipeline.media.packets import read_packets, repeats_picture
from pipeline.reasons import Reason

# Pictures that wait for an encoder: enough to smooth out slow ones, few enough to cost little memory.
PICTURES_WAITING = 4
SOUNDS_WAITING = 64
# Progress is told this often, in pictures.
REPORT_EVERY = 15


def encode_part(request: bytes, progress: Callable[[float], None]) -> dict[str, object]:
    asked = EncodeRequest.model_validate_json(request)
    plan, part = asked.plan, asked.part
    source, output = Path(asked.source), Path(asked.output)
    # A whole is checked by `verify`, when its playlists are there.
    is_checked = part != whole(plan)
    first_picture = part.pictures(plan.grid).start
    start = (
        find_start(source, plan, first_picture, max_streams=asked.max_streams, max_pixels=asked.max_pixels)
        if first_picture
        else None
    )
    with open_source(source, max_streams=asked.max_streams) as container:
        video = find_video(container, max_pixels=asked.max_pixels)
        if video.index != plan.video.index:
            raise PermanentError(Reason.SOURCE_CHANGED, f"track {video.index} where {plan.video.index} was probed")
        engines = choose_engines(asked, video)
        decode = engines.decode
        with engines.judging_failures(asked.devices), Crew() as crew:
            news = _FirstPicture(progress)
            renditions = _start_renditions(crew, asked, output, engines.encoder, news=news)
            sound = _start_sound(crew, plan, output) if part.has_sound else None
            coverage = _decode(
                _packets(container, video, asked, start=start),
                asked,
                shaper=_open_shaper(asked),
                decode=decode,
                pictures=renditions[-1],
                sound=sound,
                progress=before_check(progress) if is_checked else progress,
            )
        report = EncodeReport(
            encoder=engines.encoder.name,
            presets=tuple(engines.encoder.options(rung)["preset"] for rung in plan.rungs),
            decoder=engines.decoder_name,
            device_notes=engines.notes,
            coverage=coverage,
            renditions=tuple(stage.result for stage in renditions),
            audio=sound.result if sound is not None else None,
        )
    if is_checked:
        check_pictures(plan, report.renditions, output, progress=during_check(progress))
    return report.model_dump(mode="json")


class _FirstPicture:
    """Tells once, whichever encoder was the first."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        self._tell = tell
        self._told = Lock()

    def encoded(self, rendition: str) -> None:
        if self._told.acquire(blocking=False):
            self._tell({FIRST_PICTURE: rendition})


def _start_renditions(
    crew: Crew, asked: EncodeRequest, output: Path, encoder: VideoEncoder, *, news: "_FirstPicture"
) -> list[Stage[Picture, TrackFacts]]:
    """A stage for each rung in the plan's order; each but the smallest hands its pictures on to the one below."""
    plan = asked.plan
    stages: list[Stage[Picture, TrackFacts]] = []
    for rung, above in zip(plan.rungs, [*plan.rungs[1:], None], strict=True):
        work = partial(
            encode_rendition,
            rung=rung,
            grid=plan.grid_of(rung),
            segments=asked.part.segments,
            every=rung.rate_divisor // (above.rate_divisor if above is not None else 1),
            matrix=output_matrix(plan.video),
            video_encoder=encoder,
            output=output,
            hand_on=stages[-1].put if stages else None,
            on_packet=partial(news.encoded, rung.name),
        )
        stages.append(crew.start(rung.name, work, depth=PICTURES_WAITING))
    return stages


def _start_sound(crew: Crew, plan: Plan, output: Path) -> Stage[AudioFrame, TrackFacts] | None:
    if plan.audio is None:
        return None
    work = partial(
        encode_sound,
        origin_s=plan.origin_s,
        grid=plan.grid,
        audio_bps=plan.audio_bps,
        gain_db=plan.gain_db,
        output=output,
    )
    return crew.start("audio", work, depth=SOUNDS_WAITING)


def _packets(
    container: InputContainer, video: VideoStream, asked: EncodeRequest, *, start: int | None
) -> Iterator["Packet[Any]"]:
    """From where the part's first picture can be shown, to the end of the source."""
    plan = asked.plan
    if start is not None:
        container.seek(start, stream=video)
        yield from read_from_key_frame(container, video)
    elif asked.part.has_sound and plan.audio is not None:
        yield from read_packets(container, video, container.streams[plan.audio.index])
    else:
        yield from read_packets(container, video)


def _open_shaper(asked: EncodeRequest) -> Shaper:
    plan, first = asked.plan, None
    if asked.part.first_segment and wide_colours(plan.video) is not None:
        # The part's own first picture may not tell what that of the whole tells.
        first = read_first_picture(Path(asked.source), max_streams=asked.max_streams, max_pixels=asked.max_pixels)
    return Shaper(plan.video, plan.rungs[-1], scratch=Path(asked.output), first=first)


def _decode(
    packets: Iterator["Packet[Any]"],
    asked: EncodeRequest,
    *,
    shaper: Shaper,
    decode: Callable[["Packet[Stream]"], Sequence[Frame]],
    pictures: Stage[Picture, TrackFacts],
    sound: Stage[AudioFrame, TrackFacts] | None,
    progress: Callable[[float], None],
) -> CoverageFacts:
    plan, part = asked.plan, asked.part
    numbers = part.pictures(plan.grid)
    placement = Placement(plan, numbers)
    coverage = Coverage(plan, part)

    def show(frame: VideoFrame) -> None:
        for shaped in shaper.shape(frame):
            place(shaped)

    def place(shaped: VideoFrame) -> None:
        for picture in placement.place(shaped):
            pictures.put(picture)
            if picture.number % REPORT_EVERY == 0:
                progress((picture.number - numbers.start) / len(numbers))

    try:
        for packet in packets:
            # What follows the grid says whether the source is whole; what follows another part is decoded there.
            if placement.is_complete and numbers.stop < plan.grid.pictures:
                break
            if repeats_picture(packet):
                coverage.hold(packet)
                continue
            try:
                frames = decode(packet)
            except UNREADABLE:
                coverage.count_broken(packet)
                continue
            for frame in frames:
                if isinstance(frame, VideoFrame):
                    coverage.count(frame)
                    show(frame)
                elif isinstance(frame, AudioFrame) and sound is not None:
                    sound.put(frame)
    except UNREADABLE:
        # The container ends in the middle of something; coverage tells whether it matters.
        pass
    if part == whole(plan):
        refuse_damage(plan, coverage.facts)
    for shaped in shaper.flush():
        place(shaped)
    if placement.is_empty:
        raise PermanentError(Reason.CORRUPT, f"none of the pictures {numbers.start} to {numbers.stop} could be decoded")
    for picture in placement.finish():
        pictures.put(picture)
    pictures.put(None)
    if sound is not None:
        sound.put(None)
    progress(1.0)
    return coverage.facts
