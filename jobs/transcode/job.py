"""The transcode: a source becomes an adaptive HLS stream, as named steps over its spec."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jobs.transcode.encoding.encode import EncodeReport
from jobs.transcode.encoding.encode_whole import encode_whole
from jobs.transcode.hls.layout import (
    IFRAME_PLAYLIST_NAME,
    MASTER_NAME,
    MEDIA_PLAYLIST_NAME,
    STORYBOARD_NAME,
    THUMBNAIL_NAME,
)
from jobs.transcode.hls.playlists import write_iframe_playlist, write_master, write_media_playlist
from jobs.transcode.hls.publish import list_outputs
from jobs.transcode.measuring.renditions import (
    iframe_playlists,
    measure_audio,
    measure_iframes,
    media_playlists,
    rate_curves,
)
from jobs.transcode.parts.join_job import join_parts
from jobs.transcode.stills.thumbnail import draw_stills
from jobs.transcode.verify.verify import verify
from pipeline.contracts.transcode import STEPS, TranscodeOutcome, TranscodeSpec
from pipeline.execution.step_clock import Report
from pipeline.execution.workplace import Workplace

*_, VALIDATING, THUMBNAIL, UPLOADING = STEPS


def transcode(spec: TranscodeSpec, work: Workplace) -> TranscodeOutcome:
    """Raises what its steps raise; an outcome that is returned is ready and stored."""
    output = work.scratch / "output"
    output.mkdir()
    made = join_parts(spec, work, output) if spec.made else encode_whole(spec, work, output)
    plan, written, renditions = made.plan, made.report, made.renditions
    audio = measure_audio(plan, written)
    write_playlists(output, written, write_master(renditions, audio, measure_iframes(plan, written)))
    # Both read what was written, and neither needs the other.
    with ThreadPoolExecutor(1) as beside:
        stills = beside.submit(draw_stills, written.renditions, renditions, output=output, limits=spec.limits)
        with work.step(VALIDATING):
            verify(plan, made.parts, output=output, source_s=plan.source_s, limits=spec.limits)
        with work.step(THUMBNAIL):
            stills.result()
    with work.step(UPLOADING) as report:
        _publish(work, output, made.stored, report)

    return TranscodeOutcome(
        status="ready",
        duration_s=float(plan.grid.duration_s),
        renditions=renditions,
        audio=audio,
        steps=work.step_times,
        encoder=written.encoder,
        decoder=written.decoder,
        device_notes=written.device_notes,
        plan=plan.ladder,
        rates=rate_curves(plan, written),
        master=MASTER_NAME,
        thumbnail=THUMBNAIL_NAME,
        storyboard=STORYBOARD_NAME,
    )


def write_playlists(output: Path, written: EncodeReport, master: str) -> None:
    for folder, playlist in media_playlists(written).items():
        (output / folder / MEDIA_PLAYLIST_NAME).write_text(write_media_playlist(playlist))
    for folder, iframes in iframe_playlists(written).items():
        (output / folder / IFRAME_PLAYLIST_NAME).write_text(write_iframe_playlist(iframes))
    (output / MASTER_NAME).write_text(master, encoding="utf-8")


def _publish(work: Workplace, output: Path, stored: frozenset[str], report: Report) -> None:
    left = ([file for file in files if file.path not in stored] for files in list_outputs(output))
    rounds = [files for files in left if files]
    total = sum(file.size_bytes for files in rounds for file in files)
    done = 0
    for files in rounds:
        size = sum(file.size_bytes for file in files)
        work.publish(output, files, _part_of(report, start=done / total, share=size / total))
        done += size


def _part_of(report: Report, *, start: float, share: float) -> Report:
    return lambda done: report(start + done * share)
