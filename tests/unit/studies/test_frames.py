"""Which pictures a study sees."""

from pathlib import Path

import pytest

from segdepth.core.errors import DataError, InputError
from segdepth.data import Dataset
from segdepth.studies.frames import PictureFolder, how_many, open_frames

from .tiny import COUNT


def test_exactly_as_many_pictures_as_asked_for(streets: Dataset) -> None:
    assert how_many(streets, 3) == 3
    assert how_many(streets, None) == COUNT
    with pytest.raises(InputError, match="has 5 pictures"):
        how_many(streets, 6)


def test_any_folder_of_pictures(shared_data: "object", tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        open_frames(tmp_path, None, "val")
    with pytest.raises(InputError, match="name the pictures"):
        open_frames(None, None, "val")
    folder = shared_data("camvid")  # type: ignore[operator]
    pictures = open_frames(folder / "test", None, "val")
    assert isinstance(pictures, PictureFolder)
    assert "labels" not in pictures[0].truths
    kitti = open_frames(shared_data("kitti_semantics"), None, "val")  # type: ignore[operator]
    assert "labels" in kitti[0].truths
