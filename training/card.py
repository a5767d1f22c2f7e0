"""The card beside a network's weights: what it learnt from, how good it is, how to make it again."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import onnx
import torch


def write_card(weights: Path, *, data: str, command: str, metrics: dict[str, float]) -> None:
    """NAME.json beside NAME.onnx; the reader refuses weights whose SHA-256 is another."""
    model = onnx.load(weights)
    content = weights.read_bytes()
    card = {
        "network": weights.stem,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "parameters": sum(int(torch.tensor(weight.dims).prod()) for weight in model.graph.initializer),
        "onnx_opset": model.opset_import[0].version,
        "trained": datetime.now(UTC).date().isoformat(),
        "with": f"torch {torch.__version__}",
        "data": data,
        "retrain": command,
        "metrics": metrics,
    }
    weights.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")
