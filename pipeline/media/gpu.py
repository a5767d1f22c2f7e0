"""What is known of NVIDIA's video engines without asking one."""

from dataclasses import dataclass
from pathlib import Path

# The driver's control node on Linux, and the one of Windows' Linux.
DEVICE_NODES = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
# CUDA reserves address space for all memory of the machine and of its GPUs, and uses little of it.
ADDRESS_SPACE_MIB = 1024 * 1024
# How NVENC says that all of its sessions are in use (NV_ENC_ERR_OUT_OF_MEMORY), which another minute may change.
SESSIONS_USED_UP = "out of memory (10)"
# How it says that the GPU has no encoder at all (NV_ENC_ERR_UNSUPPORTED_DEVICE), as on an A100 or H100.
NO_ENCODER = "unsupported device (2)"


def has_device() -> bool:
    """Whether a driver is loaded here; in a container, whether a GPU was given to it."""
    return any(node.exists() for node in DEVICE_NODES)


@dataclass(frozen=True)
class Engines:
    """NVENC engines of a GPU that clouds rent out."""

    gpu: str
    nvenc: int


@dataclass(frozen=True)
class Ceiling:
    """What one NVENC engine encodes of H.264 at 1080p, in pictures a second, tuned for high quality."""

    preset: str
    fps: int


CEILINGS_SOURCE = "read in NVIDIA's Video Codec SDK 13.0 documentation, not measured"
ENGINES = (
    Engines("T4", 1),
    Engines("A10G", 1),
    Engines("L4", 2),
    Engines("A100", 0),
    Engines("H100", 0),
    Engines("H200", 0),
)
CEILINGS = (Ceiling("p1", 833), Ceiling("p3", 602), Ceiling("p5", 264), Ceiling("p7", 207))
