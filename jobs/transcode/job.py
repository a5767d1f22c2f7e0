"""The transcode: a source becomes an adaptive HLS stream, as named steps over its spec."""

from pathlib import Path

from jobs.transcode.encode import EncodeReport, encode
from jobs.transcode.layout import MASTER_NAME, MEDIA_PLAYLIST_NAME, THUMBNAIL_NAME
from jobs.transcode.measure import measure_audio, measure_renditions, media_playlists
from jobs.transcode.plan import plan_transcode
from jobs.transcode.playlists import write_master, write_media_playlist
from jobs.transcode.publish import list_outputs
from jobs.transcode.thumbnail import draw_thumbnail
from jobs.transcode.verify import verify
from pipeline.contracts.transcode import STEPS, TranscodeLimits, TranscodeOutcome, TranscodeSpec
from pipeline.execution.workplace import Report, Workplace
from pipeline.media.probe import ProbeLimits, probe_file

PRESIGNING, DOWNLOADING, PROBING, TRANSCODING, VALIDATING, THUMBNAIL, UPLOADING = STEPS

# Reading all packets of a 12 h recording from a slow disk; a probe over the network has seconds.
PROBE_TIMEOUT_S = 600.0


def transcode(spec: TranscodeSpec, work: Workplace) -> TranscodeOutcome:
    """Raises what its steps raise; an outcome that is returned is ready and stored."""
    # One fixed name: nothing of what the user called the file reaches a decoder.
    source = work.scratch / "source.bin"
    output = work.scratch / "output"
    output.mkdir()

    with work.step(PRESIGNING):
        work.check_source(spec.source)
    with work.step(DOWNLOADING) as report:
        work.fetch_source(spec.source, source, report)
    with work.step(PROBING):
        plan = plan_transcode(spec, probe_file(source, _probe_limits(spec.limits)))
    with work.step(TRANSCODING) as report:
        written = encode(plan, source=source, output=output, devices=work.devices, limits=spec.limits, progress=report)
        source.unlink()
        renditions = measure_renditions(plan, written)
        audio = measure_audio(plan, written)
        write_playlists(output, written, write_master(renditions, audio))
    with work.step(VALIDATING):
        verify(plan, output=output, source_s=plan.source_s, limits=spec.limits)
    with work.step(THUMBNAIL):
        draw_thumbnail(written.renditions[-1], output=output, limits=spec.limits)
    with work.step(UPLOADING) as report:
        _publish(work, output, report)

    return TranscodeOutcome(
        status="ready",
        duration_s=float(plan.grid.duration_s),
        renditions=renditions,
        audio=audio,
        steps=work.step_times,
        encoder=written.encoder,
        decoder=written.decoder,
        device_notes=written.device_notes,
        master=MASTER_NAME,
        thumbnail=THUMBNAIL_NAME,
    )


def _probe_limits(limits: TranscodeLimits) -> ProbeLimits:
    return ProbeLimits(
        max_pixels=limits.max_pixels,
        max_streams=limits.max_streams,
        max_duration_s=limits.max_duration_s,
        max_gap_s=limits.max_gap_s,
        memory_mib=limits.decoder_memory_mib,
        timeout_s=PROBE_TIMEOUT_S,
    )


def write_playlists(output: Path, written: EncodeReport, master: str) -> None:
    for folder, playlist in media_playlists(written).items():
        (output / folder / MEDIA_PLAYLIST_NAME).write_text(write_media_playlist(playlist))
    (output / MASTER_NAME).write_text(master)


def _publish(work: Workplace, output: Path, report: Report) -> None:
    rounds = [files for files in list_outputs(output) if files]
    total = sum(file.size_bytes for files in rounds for file in files)
    done = 0
    for files in rounds:
        size = sum(file.size_bytes for file in files)
        work.publish(output, files, _part_of(report, start=done / total, share=size / total))
        done += size


def _part_of(report: Report, *, start: float, share: float) -> Report:
    return lambda done: report(start + done * share)
