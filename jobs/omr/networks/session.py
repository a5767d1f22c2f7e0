"""Running a network of ours: the weights that were committed, on the provider that was asked for."""

import hashlib
import json
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.errors import PermanentError, TransientError
from pipeline.reasons import Reason

WEIGHTS: Final = Path(__file__).parent / "weights"


class Provider(StrEnum):
    """`AUTO` is CUDA where there is one, else the CPU; the other two are what is got, or an error."""

    AUTO = "auto"
    CUDA = "CUDAExecutionProvider"
    CPU = "CPUExecutionProvider"


class Network:
    """A network and the provider that it really runs on. One thread: pages are read side by side in processes."""

    def __init__(self, name: str, session: onnxruntime.InferenceSession) -> None:
        self.name = name
        self.provider = Provider(session.get_providers()[0])
        self._session = session

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The first output, for arrays named as the network's inputs are."""
        return np.asarray(self._session.run(None, dict(inputs))[0], dtype=np.float32)


@lru_cache(maxsize=8)
def open_network(name: str, provider: Provider = Provider.AUTO, weights: Path = WEIGHTS) -> Network:
    """`NAME.onnx`, whose SHA-256 is the one on its card `NAME.json`. The same call gives the same open network.

    Raises PermanentError where the weights are not those of the card, TransientError with GPU_UNAVAILABLE where CUDA
    was asked for and cannot be had.
    """
    network = Network(name, _session(_checked(name, weights), _wanted(provider)))
    if provider is not Provider.AUTO and network.provider is not provider:
        raise TransientError(Reason.GPU_UNAVAILABLE, f"asked for {provider}, got {network.provider}")
    return network


def _wanted(provider: Provider) -> list[Provider]:
    match provider:
        case Provider.AUTO:
            here = onnxruntime.get_available_providers()
            return [Provider.CUDA, Provider.CPU] if Provider.CUDA in here else [Provider.CPU]
        case Provider.CUDA | Provider.CPU:
            return [provider]


def _checked(name: str, weights: Path) -> bytes:
    data = (weights / f"{name}.onnx").read_bytes()
    card = json.loads((weights / f"{name}.json").read_text())
    found = hashlib.sha256(data).hexdigest()
    if found != card["sha256"]:
        detail = f"{name}.onnx has SHA-256 {found}, its card says {card['sha256']}"
        raise PermanentError(Reason.INTERNAL_ERROR, detail)
    return data


def _session(data: bytes, providers: list[Provider]) -> onnxruntime.InferenceSession:
    if Provider.CUDA in providers and Provider.CUDA in onnxruntime.get_available_providers():
        # CUDA comes as wheels, whose folders no loader searches: loaded before, they are found by name. It prints what
        # it misses, and the output of a job is not the place for that.
        with redirect_stdout(sys.stderr):
            onnxruntime.preload_dlls(directory="")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Its warning that a provider is missing goes to stderr; `open_network` compares and raises instead.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=[str(provider) for provider in providers])
