"""The make-believe streets as a data set: nothing on disk, any number of samples, the truth exact."""

from pathlib import Path

from segdepth.core.errors import ConfigError
from segdepth.core.tables import pick

from ..labels import CITYSCAPES
from ..sample import Dataset, Sample
from .camera import Camera
from .street import SPLITS, make_street

__all__ = ["Synthetic"]

_NUM_IMAGES = {"train": 400, "val": 60, "test": 60}


class Synthetic(Dataset):
    """Streets that are drawn when they are asked for, seen through KITTI's camera.

    Sample ``index`` of a split is a function of (``seed``, split, ``index``); another size shows the same streets.
    Depth is 0 in the sky and beyond 85 m.

    Args:
        path: None; a make-believe street has no files.
        split: "train", "val" or "test".
        targets: what to give besides the image.
        num_images: samples in this split; None for 400 (train) or 60 (val, test).
        seed: other numbers give other streets, 0 or more.
        height: rows of the pictures.
        width: columns of the pictures.

    Raises:
        ConfigError: if there is no such split, a number is out of range, or a folder is named.
    """

    classes = CITYSCAPES
    depth_range = (0.001, 80.0)
    crop = "garg"

    def __init__(
        self,
        path: Path | None = None,
        split: str = "train",
        targets: frozenset[str] = frozenset({"labels"}),
        *,
        num_images: int | None = None,
        seed: int = 0,
        height: int = 375,
        width: int = 1242,
    ) -> None:
        super().__init__(path, split, targets)
        if path is not None:
            raise ConfigError(
                f"data.path is {str(path)!r}, but the data set 'synthetic' is drawn, not read; leave the path out, or read"
                " a world of `segdepth data synthesize` with data.dataset=cityscapes"
            )
        count = pick(_NUM_IMAGES, split, kind="split of the synthetic streets") if num_images is None else num_images
        pick(SPLITS, split, kind="split of the synthetic streets")
        for name, value, least in (
            ("num_images", count, 1), ("seed", seed, 0), ("height", height, 1), ("width", width, 1),
        ):  # fmt: skip
            if value < least:
                raise ConfigError(f"the synthetic streets' {name} is {value}; it must be {least} or more")
        self.seed = seed
        self.camera = Camera.kitti(height, width)
        self.names = [f"{split}/{index:06d}" for index in range(count)]

    def optical_axis(self, index: int, size: tuple[int, int]) -> tuple[float, float]:  # noqa: ARG002  one camera saw them all
        """See :meth:`Dataset.optical_axis`."""
        camera = self.camera.resized(*size)
        return camera.cx, camera.cy

    def __getitem__(self, index: int) -> Sample:
        """Sample number ``index``, 0 <= index < len.

        Raises:
            IndexError: if there is no such sample.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        frame = make_street(self.seed, index, self.split).render(self.camera)
        truths = {"labels": frame.labels, "depth": frame.depth}
        wanted = {kind: truth for kind, truth in truths.items() if kind in self.targets}
        return Sample(frame.image, self.names[index], wanted, self.camera.fx)
