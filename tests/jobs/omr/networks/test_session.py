import hashlib
import json
import shutil
from pathlib import Path

import onnxruntime
import pytest

from jobs.omr.networks.session import WEIGHTS, Provider, open_network
from pipeline.errors import PermanentError, TransientError
from pipeline.reasons import Reason

NETWORKS = ("marks", "pages")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_committed_weights_are_those_of_their_card(name: str):
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    assert hashlib.sha256((WEIGHTS / f"{name}.onnx").read_bytes()).hexdigest() == card["sha256"]
    assert {"data", "metrics", "trained", "onnx_opset", "retrain"} <= card.keys()
    assert open_network(name, Provider.CPU).provider is Provider.CPU


def test_weights_other_than_the_card_says_are_refused(tmp_path: Path):
    for suffix in (".onnx", ".json"):
        shutil.copy(WEIGHTS / f"marks{suffix}", tmp_path)
    data = bytearray((tmp_path / "marks.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "marks.onnx").write_bytes(data)
    with pytest.raises(PermanentError, match="SHA-256"):
        open_network("marks", Provider.CPU, tmp_path)


def test_both_networks_together_stay_below_a_megabyte():
    assert sum((WEIGHTS / f"{name}.onnx").stat().st_size for name in NETWORKS) < 1_000_000


def test_cuda_that_is_not_there_is_an_error_and_not_the_cpu():
    if Provider.CUDA in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(TransientError) as raised:
        open_network("marks", Provider.CUDA)
    assert raised.value.reason == Reason.GPU_UNAVAILABLE


def test_cuda_that_is_offered_but_not_got_is_an_error(monkeypatch: pytest.MonkeyPatch):
    """What onnxruntime-gpu does on a machine without a device: it warns and runs on the CPU."""
    real = onnxruntime.InferenceSession

    def falls_back(data: bytes, options: object, providers: list[str]) -> object:
        assert providers == [str(Provider.CUDA)]
        return real(data, options, providers=[str(Provider.CPU)])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [Provider.CUDA, Provider.CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", falls_back)
    open_network.cache_clear()
    with pytest.raises(TransientError, match="got CPUExecutionProvider"):
        open_network("marks", Provider.CUDA)
    open_network.cache_clear()
