"""Which device a job may encode and decode with: wished for in its environment, handed down as this value."""

from enum import StrEnum

from pydantic import Field

from pipeline.contracts.envelope import Contract


class EncoderWish(StrEnum):
    AUTO = "auto"
    """NVENC where it encodes, else x264; x264 too for an attempt after the first."""
    NVENC = "nvenc"
    """A GPU queue's: without NVENC the attempt ends, since a CPU's work at a GPU's price helps nobody."""
    X264 = "x264"


class DecoderWish(StrEnum):
    AUTO = "auto"
    """NVDEC where it decodes, else the CPU; the CPU too for an attempt after the first."""
    NVDEC = "nvdec"
    CPU = "cpu"


class DeviceWish(Contract):
    """`cpu_fallback` lets a wish for a GPU end on the CPU; `attempt` counts from 1, a run by hand is the first.

    NVDEC has to be asked for: it paints over damage that the CPU's decoders report.
    """

    encoder: EncoderWish = EncoderWish.AUTO
    decoder: DecoderWish = DecoderWish.CPU
    cpu_fallback: bool = False
    attempt: int = Field(default=1, ge=1)

    @property
    def may_use_gpu(self) -> bool:
        return self.encoder is not EncoderWish.X264 or self.decoder is not DecoderWish.CPU
