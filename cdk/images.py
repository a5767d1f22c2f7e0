"""The container images: built from containers/ as assets, or taken from a repository that somebody pushed them to."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from cdk.environments import Environment
from pipeline.execution.catalog import ImageName

ROOT = Path(__file__).parents[1]


class Images(Construct):
    """Synthesis needs no Docker: an asset is built when it is deployed. All are for x86, as the GPU machines are."""

    def __init__(self, scope: Construct, name: str, environment: Environment) -> None:
        super().__init__(scope, name)
        self._environment = environment
        self.control_plane = self._image("control_plane")
        # Answer sheets go to machines without a GPU; `--build-arg VARIANT=gpu` makes the other one.
        self.jobs: Mapping[ImageName, ecs.ContainerImage] = {
            "transcode": self._image("transcode"),
            "vision": self._image("vision", VARIANT="cpu"),
        }

    def _image(self, folder: str, **arguments: str) -> ecs.ContainerImage:
        pushed = self._environment.images
        if pushed is not None:
            repository = ecr.Repository.from_repository_name(
                self, folder, f"{pushed.repository}/{folder.replace('_', '-')}"
            )
            return ecs.ContainerImage.from_ecr_repository(repository, tag=pushed.tag)
        asset = ecr_assets.DockerImageAsset(
            self,
            folder,
            directory=str(ROOT),
            file=f"containers/{folder}/Dockerfile",
            # Not the commit: that would make new images, and new revisions of all that uses them, for each.
            build_args={"VERSION": version("academy-media-pipeline"), **arguments},
            platform=ecr_assets.Platform.LINUX_AMD64,
            # .dockerignore lets in what the images copy, and nothing else.
            exclude=["cdk.out"],
        )
        return ecs.ContainerImage.from_docker_image_asset(asset)
