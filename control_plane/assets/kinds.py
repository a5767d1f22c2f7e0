"""Which asset each kind of job works on: the one place that knows them all."""

from control_plane.assets.port import Asset
from control_plane.omr.asset import BatchAsset
from control_plane.videos.asset import VideoAsset
from pipeline.contracts.envelope import JobKind

ASSETS: dict[JobKind, Asset] = {asset.kind: asset for asset in (VideoAsset(), BatchAsset())}


def asset_of(kind: str) -> Asset:
    """Of a job's row; the database knows no other kinds."""
    return ASSETS[JobKind(kind)]
