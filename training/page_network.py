"""The page network: a small U-Net from a page of 256 pixels to two maps of 64, page corners and fiducials."""

import torch
from torch import nn
from torch.nn import functional

DOWN = (8, 16, 24, 32, 32)
UP = (24, 16, 16)
MAPS = 2


def _block(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())


class PageNetwork(nn.Module):
    """(n, 1, 256, 256) uint8 to (n, 2, 64, 64) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(_block(before, after, 2) for before, after in zip((1, *DOWN[:-1]), DOWN, strict=True))
        widths = zip((DOWN[-1], *UP[:-1]), DOWN[-2:0:-1], UP, strict=True)
        self.up = nn.ModuleList(_block(below + beside, after) for below, beside, after in widths)
        self.out = nn.Conv2d(UP[-1], MAPS, 1)
        # Points are rare: nearly nothing everywhere is the place to start from (Lin et al. 2017, section 4.1).
        nn.init.constant_(self.out.bias, -4.6)

    def forward(self, page: torch.Tensor) -> torch.Tensor:
        seen, beside = page.float() / 255 - 0.5, []
        for block in self.down:
            seen = block(seen)
            beside.append(seen)
        for block, kept in zip(self.up, beside[-2:0:-1], strict=True):
            seen = block(torch.cat([functional.interpolate(seen, scale_factor=2.0, mode="nearest"), kept], dim=1))
        return self.out(seen)
