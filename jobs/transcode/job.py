"""The transcode: a source becomes an adaptive HLS stream, as named steps over its spec."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jobs.transcode.difficulty import measure_difficulty, sampling_soon
from jobs.transcode.early_upload import EarlyUpload, Run
from jobs.transcode.encode import EncodeReport, encoding_soon
from jobs.transcode.encode_parts import encode_parts
from jobs.transcode.ladder import sides_to_judge
from jobs.transcode.layout import (
    AUDIO_FOLDER,
    IFRAME_PLAYLIST_NAME,
    MASTER_NAME,
    MEDIA_PLAYLIST_NAME,
    STORYBOARD_NAME,
    THUMBNAIL_NAME,
)
from jobs.transcode.loudness import level_sound
from jobs.transcode.measure import (
    iframe_playlists,
    measure_audio,
    measure_iframes,
    measure_renditions,
    media_playlists,
    rate_curves,
)
from jobs.transcode.parts import Part, cut_if_long, whole
from jobs.transcode.plan import Plan, plan_transcode
from jobs.transcode.playlists import write_iframe_playlist, write_master, write_media_playlist
from jobs.transcode.publish import list_outputs
from jobs.transcode.quality import is_asked_for, measure_quality
from jobs.transcode.thumbnail import draw_stills
from jobs.transcode.verify import verify
from pipeline.contracts.transcode import STEPS, TranscodeOutcome, TranscodeSpec
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
    # What loads while something else works costs nobody any waiting.
    with sampling_soon(spec.limits), encoding_soon(work.devices, spec.limits):
        with work.step(PROBING):
            facts = probe_file(source, ProbeLimits.of(spec.limits, timeout_s=PROBE_TIMEOUT_S))
            sides = sides_to_judge(spec.ladder, facts.video)
            difficulty = measure_difficulty(source, facts.video, sides=sides, limits=spec.limits)
            plan = plan_transcode(spec, facts, difficulty)
            parts = cut_if_long(plan, spec.split)
        with work.step(TRANSCODING) as report:
            plan = level_sound(plan, target_lufs=spec.loudness_lufs, source=source, limits=spec.limits)
            written, stored = _encode(spec, plan, parts, source=source, output=output, work=work, report=report)
            renditions = measure_renditions(plan, written)
            if is_asked_for(os.environ):
                renditions = measure_quality(
                    plan, written, renditions, source=source, output=output, limits=spec.limits
                )
            source.unlink()
            audio = measure_audio(plan, written)
            write_playlists(output, written, write_master(renditions, audio, measure_iframes(plan, written)))
    # Both read what was written, and neither needs the other.
    with ThreadPoolExecutor(1) as beside:
        stills = beside.submit(draw_stills, written.renditions, renditions, output=output, limits=spec.limits)
        with work.step(VALIDATING):
            verify(plan, parts, output=output, source_s=plan.source_s, limits=spec.limits)
        with work.step(THUMBNAIL):
            stills.result()
    with work.step(UPLOADING) as report:
        _publish(work, output, stored, report)

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


def _encode(
    spec: TranscodeSpec,
    plan: Plan,
    parts: Sequence[Part],
    *,
    source: Path,
    output: Path,
    work: Workplace,
    report: Report,
) -> tuple[EncodeReport, frozenset[str]]:
    """What was written, and the names of the segments that are stored already."""
    runs = [Run(rung.folder, part.segments) for rung in plan.rungs for part in parts]
    if plan.audio is not None:
        runs.append(Run(AUDIO_FOLDER, whole(plan).segments))
    with EarlyUpload(work, output, runs) as early:

        def progress(done: float) -> None:
            early.check()
            report(done)

        written = encode_parts(
            plan,
            parts,
            workers=spec.split.workers if spec.split is not None else 1,
            source=source,
            output=output,
            devices=work.devices,
            limits=spec.limits,
            progress=progress,
        )
    return written, frozenset(early.stored)


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
