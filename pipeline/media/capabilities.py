"""What this machine can decode and encode with: asked of a child process by really encoding one picture."""

from pipeline.contracts.envelope import Contract
from pipeline.media.sandbox import SandboxLimits, run_sandboxed

# A GPU's driver maps far more address space than it uses.
LIMITS = SandboxLimits(memory_mib=64 * 1024, cpu_s=60, deadline_s=60)


class EncoderCheck(Contract):
    """`problem` is None where the encoder made a packet, else FFmpeg's words."""

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
    encoders: tuple[EncoderCheck, ...]

    def find_encoder(self, name: str) -> EncoderCheck | None:
        return next((check for check in self.encoders if check.name == name), None)


class CapabilitiesRequest(Contract):
    """Names of FFmpeg encoders to try."""

    video: tuple[str, ...] = ("libx264", "h264_nvenc")
    audio: tuple[str, ...] = ("aac",)


def find_capabilities(request: CapabilitiesRequest | None = None) -> Capabilities:
    """Never raises for an encoder that is missing: that is an answer."""
    return run_sandboxed(
        "pipeline.media.trying:try_encoders", request or CapabilitiesRequest(), reply=Capabilities, limits=LIMITS
    )
