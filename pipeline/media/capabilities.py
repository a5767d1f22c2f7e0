"""What this machine can decode and encode with: asked of a child process by really working on some pictures."""

from pipeline.contracts.envelope import Contract
from pipeline.media import gpu
from pipeline.media.sandbox.conversation import SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed

# A driver may keep files of its own while it starts.
LIMITS = SandboxLimits(memory_mib=2048, cpu_s=60, deadline_s=60, file_mib=64, address_mib=gpu.ADDRESS_SPACE_MIB)


class CodecCheck(Contract):
    """An encoder or a decoder; `problem` is None where it made something, else FFmpeg's words."""

    name: str
    hardware: bool
    problem: str | None

    @property
    def works(self) -> bool:
        return self.problem is None


class Capabilities(Contract):
    """`libraries` has FFmpeg's libraries by name, with their versions."""

    pyav_version: str
    ffmpeg_version: str
    libraries: dict[str, str]
    encoders: tuple[CodecCheck, ...]
    decoders: tuple[CodecCheck, ...]

    @property
    def gpu_works(self) -> bool:
        return any(check.hardware and check.works for check in (*self.encoders, *self.decoders))


class CapabilitiesRequest(Contract):
    """Names of FFmpeg encoders to try, and of decoders of H.264."""

    video: tuple[str, ...] = ("libx264", "h264_nvenc")
    audio: tuple[str, ...] = ("aac",)
    h264_decoders: tuple[str, ...] = ("h264", "h264_cuvid")


def find_capabilities(request: CapabilitiesRequest | None = None) -> Capabilities:
    """Never raises for a codec that is missing: that is an answer."""
    return run_sandboxed(
        "pipeline.media.trying:try_codecs", request or CapabilitiesRequest(), reply=Capabilities, limits=LIMITS
    )
