"""The bubble network: four small convolutions over the patch and its unmarked print, then the sheet's context."""

import torch
from torch import nn

from jobs.omr.marks.patches import CONTEXT, PAPER_LEVEL
from training.drawing.states import Drawn

CHANNELS = (16, 24, 40, 64)
STRIDES = (2, 2, 2, 1)
HIDDEN = 64


class MarkNetwork(nn.Module):
    """`pixels` and `own_print` (n, 32, 32) uint8 and `context` (n, len(CONTEXT)) to (n, 7) logits over `Drawn`."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        ins = (2, *CHANNELS[:-1])
        for before, after, stride in zip(ins, CHANNELS, STRIDES, strict=True):
            layers += [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.hidden = nn.Linear(2 * CHANNELS[-1] + len(CONTEXT), HIDDEN)
        self.out = nn.Linear(HIDDEN, len(Drawn))
        self.drop = nn.Dropout(0.1)

    def forward(self, pixels: torch.Tensor, own_print: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        darkness = 1 - torch.stack([pixels, own_print], dim=1).float() / PAPER_LEVEL
        seen = self.convolutions(darkness)
        summary = torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3)), context], dim=1)
        return self.out(self.drop(torch.relu(self.hidden(summary))))
