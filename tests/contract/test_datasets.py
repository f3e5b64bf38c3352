"""What every data set promises, put to each entry of the table on a make-believe tree of its own layout."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segdepth.core.errors import ConfigError, DataError
from segdepth.data import DATASETS, Dataset, Sample, open_dataset, stored_kinds
from segdepth.data.labels import CITYSCAPES
from segdepth.drawing import write_png
from segdepth.evaluation import score
from segdepth.evaluation.answers import Answer, Answers
from segdepth.kinds import IGNORE, KINDS
from segdepth.tasks import TASKS

ROWS, COLS = 12, 20
FRAMES = 6
DEPTH_M = 16.0


def picture(index: int, split: str = "train") -> np.ndarray:
    return np.random.default_rng([index, len(split)]).integers(0, 256, (ROWS, COLS, 3), dtype=np.uint8)


def stripes(*values: int) -> np.ndarray:
    """A label file whose columns go through the values."""
    return np.resize(np.array(values, np.uint8), (ROWS, COLS)).copy()


def measured(unit: float) -> np.ndarray:
    """16 m everywhere but in the first row, as a 16-bit file of that unit."""
    depth = np.full((ROWS, COLS), round(DEPTH_M / unit), np.uint16)
    depth[0] = 0
    return depth


# Every builder writes the splits train and val and returns the options that opening them needs.


def build_camvid(root: Path, _: str) -> dict[str, Any]:
    for split in ("train", "val"):
        lines = []
        for index in reversed(range(FRAMES)):
            write_png(root / split / f"{split}{index}.png", picture(index, split))
            write_png(root / f"{split}annot" / f"{split}{index}.png", stripes(*range(12)))
            lines.append(f"{split}/{split}{index}.png {split}annot/{split}{index}.png\n")
        (root / f"{split}.txt").write_text("".join(lines))
    return {}


def build_nyuv2(root: Path, _: str) -> dict[str, Any]:
    for split in ("train", "val"):
        for index in range(FRAMES):
            write_png(root / split / "rgb" / f"{index:04}.png", picture(index, split))
            write_png(root / split / "label" / f"{index:04}.png", stripes(0, 5, 38, IGNORE))
            write_png(root / split / "depth" / f"{index:04}.png", measured(0.001))
    return {}


def build_kitti(root: Path, target: str) -> dict[str, Any]:
    if target == "labels":
        for index in range(5 * FRAMES):
            write_png(root / "training" / "image_2" / f"{index:06}_10.png", picture(index))
            write_png(root / "training" / "semantic" / f"{index:06}_10.png", stripes(*CITYSCAPES.label_ids, 0))
        return {}
    for split in ("train", "val"):
        drive = root / f"2011_09_26_drive_000{len(split)}_sync_02"
        for index in range(FRAMES):
            write_png(drive / f"{index:010}.png", picture(index, split))
            np.save(drive / f"{index:010}.npy", measured(1 / 256).astype(np.float32) / 256)
        (drive / "cam.txt").write_text("700 0 10\n0 700 6\n0 0 1\n")
        (root / f"{split}.txt").write_text(drive.name)
    return {}


def build_cityscapes(root: Path, _: str) -> dict[str, Any]:
    # 0.2 m * 2000 px / 16 m = 25 px of disparity
    disparity = np.full((ROWS, COLS), 25 * 256 + 1, np.uint16)
    disparity[0] = 0
    camera = json.dumps({"extrinsic": {"baseline": 0.2}, "intrinsic": {"fx": 2000.0}})
    for split in ("train", "val"):
        for index in range(FRAMES):
            city = f"city{index % 2}"
            stem = f"{city}_000000_{index:06}"
            write_png(root / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png", picture(index, split))
            labels = stripes(*CITYSCAPES.label_ids, 0)
            write_png(root / "gtFine" / split / city / f"{stem}_gtFine_labelIds.png", labels)
            write_png(root / "disparity" / split / city / f"{stem}_disparity.png", disparity)
            file = root / "camera" / split / city / f"{stem}_camera.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(camera)
    return {}


def build_folder(root: Path, target: str) -> dict[str, Any]:
    for split in ("train", "val"):
        for index in range(FRAMES):
            write_png(root / split / "rgb" / f"{index}.png", picture(index, split))
            write_png(root / split / "labels" / f"{index}_gt.png", stripes(3, 7, IGNORE))
            write_png(root / split / "depths" / f"{index}.png", measured(0.001))
    if target == "labels":
        truth = {"labels": "{split}/labels/*_gt.png", "classes": ["cat", "dog"], "label_ids": [3, 7]}
    else:
        truth = {"depths": "{split}/depths/*.png", "depth_unit": 0.001, "focal_px": 60.0}
    return {"images": "{split}/rgb/*.png", **truth}


def build_kitti_eigen(root: Path, _: str) -> dict[str, Any]:
    day, drive = root / "2011_09_26", "2011_09_26_drive_0002_sync"
    lines = []
    for index in range(FRAMES):
        write_png(day / drive / "image_02" / "data" / f"{index:010}.png", picture(index))
        write_png(root / "val" / drive / "proj_depth/groundtruth/image_02" / f"{index:010}.png", measured(1 / 256))
        lines.append(f"2011_09_26/{drive}/image_02/data/{index:010}.png")
    (day / "calib_velo_to_cam.txt").write_text("R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 0\n")
    matrix = "7 0 6 0 0 7 3 0 0 0 1 0"
    (day / "calib_cam_to_cam.txt").write_text(
        f"R_rect_00: 1 0 0 0 1 0 0 0 1\nP_rect_02: {matrix}\nP_rect_03: {matrix}\n"
    )
    (root / "files.txt").write_text("\n".join(reversed(lines)))
    return {"files": str(root / "files.txt"), "truth": "improved"}


def build_kitti_raw(root: Path, _: str) -> dict[str, Any]:
    day = root / "2011_09_26"
    # one point on every pixel but those of the first row, 16 m ahead; a pinhole of 7 px with pixels that count from 1
    row, col = np.mgrid[1:ROWS, 0:COLS].reshape(2, -1)
    left, up = -(col + 1 - 6) / 7 * DEPTH_M, -(row + 1 - 3) / 7 * DEPTH_M
    scan = np.stack([np.full(row.shape, DEPTH_M), left, up, 0 * left], axis=1).astype("<f4")
    for number, split in ((5, "val"), (1, "train")):
        drive = day / f"2011_09_26_drive_{number:04}_sync"
        for index in range(FRAMES):
            write_png(drive / "image_02" / "data" / f"{index:010}.png", picture(index, split))
            points = drive / "velodyne_points" / "data" / f"{index:010}.bin"
            points.parent.mkdir(parents=True, exist_ok=True)
            points.write_bytes(scan.tobytes())
    (day / "calib_velo_to_cam.txt").write_text("R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 0\n")
    matrix = "7 0 6 0 0 7 3 0 0 0 1 0"
    (day / "calib_cam_to_cam.txt").write_text(
        f"R_rect_00: 1 0 0 0 1 0 0 0 1\nP_rect_02: {matrix}\nP_rect_03: {matrix}\n"
    )
    return {}


def build_kitti_joint(root: Path, target: str) -> dict[str, Any]:
    build_kitti_raw(root / "raw", target)
    build_kitti(root, "labels")
    scans = root / "raw/2011_09_26/2011_09_26_drive_0001_sync/velodyne_points/data"
    lines = []
    for index in range(5 * FRAMES):
        (scans / f"{index:010}.bin").write_bytes((scans / "0000000000.bin").read_bytes())
        lines.append(f"2011_09_26 2011_09_26_drive_0001_sync {index:010}")
    (root / "mapping.txt").write_text("\n".join(lines))
    return reopening("kitti_joint", target, root)


BUILDERS: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "camvid": build_camvid,
    "cityscapes": build_cityscapes,
    "folder": build_folder,
    "kitti": build_kitti,
    "kitti_eigen": build_kitti_eigen,
    "kitti_joint": build_kitti_joint,
    "kitti_raw": build_kitti_raw,
    "nyuv2": build_nyuv2,
}

#: Made up in memory: these have no path and no file that could be missing.
WITHOUT_FILES = {"synthetic"}

#: The truth of these is made for the picture's size, whatever that is.
PROJECTED = {("kitti_raw", "depth"), ("kitti_joint", "depth")}

#: Official data have gaps there: what is missing is listed instead.
WITH_GAPS = {("kitti_raw", "depth"), ("kitti_joint", "depth")}

#: These have one split, and it is not for training.
TEST_ONLY = {"kitti_eigen"}

ENTRIES = [(name, target) for name, readers in DATASETS.items() for target in readers]
ON_DISK = [(name, target) for name, target in ENTRIES if name not in WITHOUT_FILES and target in stored_kinds(name)]


def first_split(name: str) -> str:
    return "test" if name in TEST_ONLY else "train"


def opened(name: str, target: str, root: Path, split: str | None = None, **said: bool) -> Any:
    split = split or first_split(name)
    if name in WITHOUT_FILES:
        return open_dataset(name, path=None, split=split, target=target, **said)
    return open_dataset(name, path=root, split=split, target=target, **BUILDERS[name](root, target), **said)


def labels_are_classes(dataset: Dataset, labels: np.ndarray) -> None:
    values = np.unique(labels)
    assert ((values < len(dataset.classes)) | (values == IGNORE)).all()
    assert (values < len(dataset.classes)).any()


def depth_has_a_range(dataset: Dataset, depth: np.ndarray) -> None:
    near, far = dataset.depth_range
    assert 0 < near < far
    assert np.isfinite(depth).all()
    assert (depth >= 0).all()
    assert (depth > 0).any()


def normals_are_unit_vectors(dataset: Dataset, normals: np.ndarray) -> None:
    known = normals.any(-1)
    assert known.any()
    np.testing.assert_allclose(np.linalg.norm(normals[known], axis=-1), 1, rtol=1e-5)


#: What scores need of a truth, by its kind.
NEEDED = {"labels": labels_are_classes, "depth": depth_has_a_range, "normals": normals_are_unit_vectors}


class FirstIsRight(Answers):
    """The truth of the first sample."""

    def __iter__(self) -> Iterator[Answer]:
        sample = self.dataset[0]
        truth = torch.from_numpy(sample.truth(self.task.target))
        yield Answer(sample.name, truth, truth)

    def describe(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(("name", "target"), ENTRIES)
class TestEveryDataSet:
    def test_types_and_shapes(self, name: str, target: str, tmp_path: Path) -> None:
        sample = opened(name, target, tmp_path)[0]
        assert sample.image.dtype == np.uint8
        assert sample.image.ndim == 3
        assert sample.image.shape[2] == 3
        truth = sample.truth(target)
        assert truth.dtype == KINDS[target].dtype
        assert truth.shape[:2] == sample.image.shape[:2]

    def test_the_picture_alone_is_the_samples(self, name: str, target: str, tmp_path: Path) -> None:
        dataset = opened(name, target, tmp_path)
        np.testing.assert_array_equal(dataset.image(0), dataset[0].image)

    def test_whoever_refuses_what_is_incomplete_can_be_told_not_to(
        self, name: str, target: str, tmp_path: Path
    ) -> None:
        for said in (False, True):
            dataset = opened(name, target, tmp_path / str(said), leave_out_missing=said)
            assert dataset.opened_with.get("allow_missing", said) == said

    def test_only_the_target_is_read(self, name: str, target: str, tmp_path: Path) -> None:
        sample = opened(name, target, tmp_path)[0]
        assert list(sample.truths) == [target]

    def test_same_samples_in_the_same_order_every_time(self, name: str, target: str, tmp_path: Path) -> None:
        first, second = opened(name, target, tmp_path), opened(name, target, tmp_path)
        assert list(first.names) == list(second.names)
        last = len(first) - 1
        np.testing.assert_array_equal(first[last].image, second[last].image)
        np.testing.assert_array_equal(first[last].truth(target), second[last].truth(target))

    def test_names_are_sorted_unique_and_those_of_the_samples(self, name: str, target: str, tmp_path: Path) -> None:
        dataset = opened(name, target, tmp_path)
        names = list(dataset.names)
        assert names == sorted(set(names))
        assert len(names) == len(dataset) > 0
        assert [dataset[index].name for index in range(3)] == names[:3]

    def test_names_are_fit_for_file_names(self, name: str, target: str, tmp_path: Path) -> None:
        for sample_name in opened(name, target, tmp_path).names:
            assert (tmp_path / "out" / sample_name).resolve().is_relative_to(tmp_path / "out")
            assert Path(sample_name).suffix == ""

    def test_train_and_val_share_nothing(self, name: str, target: str, tmp_path: Path) -> None:
        if name in TEST_ONLY:
            pytest.skip(f"{name} has one split")
        splits = [opened(name, target, tmp_path, split) for split in ("train", "val")]
        pictures = [{dataset[index].image.tobytes() for index in range(3)} for dataset in splits]
        assert not pictures[0] & pictures[1]

    def test_says_what_the_scores_need(self, name: str, target: str, tmp_path: Path) -> None:
        dataset = opened(name, target, tmp_path)
        NEEDED[target](dataset, dataset[0].truth(target))

    def test_scores_say_where_the_truth_of_their_own_kind_comes_from(
        self, name: str, target: str, tmp_path: Path
    ) -> None:
        dataset = opened(name, target, tmp_path)
        task = next(task for task in TASKS.values() if task.target == target)
        (evaluation,) = score(FirstIsRight(dataset, task)).values()
        said = evaluation.protocol["ground_truth"]
        assert dataset.origins.keys() <= DATASETS[name].keys()
        assert said == dataset.origins.get(target, f"{target} of {dataset.reader}")
        if target == "labels":
            assert not re.search("laser|scan|disparity|metres", said), "people drew them"

    def test_a_sample_owns_its_arrays(self, name: str, target: str, tmp_path: Path) -> None:
        dataset = opened(name, target, tmp_path)
        before = dataset[1]
        before.image[:] = 0
        before.truth(target)[:] = 0
        assert dataset[1].image.any()
        assert dataset[1].truth(target).any()

    def test_beyond_the_end_is_an_index_error(self, name: str, target: str, tmp_path: Path) -> None:
        dataset = opened(name, target, tmp_path)
        with pytest.raises(IndexError):
            dataset[len(dataset)]


@pytest.mark.parametrize(("name", "target"), ON_DISK)
class TestEveryDataSetOnDisk:
    def test_depth_is_in_metres(self, name: str, target: str, tmp_path: Path) -> None:
        sample: Sample = opened(name, target, tmp_path)[0]
        if target == "labels":
            assert "depth" not in sample.truths
            return
        inside = sample.truth("depth")[ROWS // 2, COLS // 4 : -COLS // 4]
        np.testing.assert_allclose(inside, DEPTH_M, rtol=1e-6)
        assert not sample.truth("depth")[0].any()

    def test_a_missing_folder_is_named(self, name: str, target: str, tmp_path: Path) -> None:
        options = BUILDERS[name](tmp_path, target)
        with pytest.raises(DataError, match="nowhere"):
            open_dataset(name, path=tmp_path / "nowhere", split=first_split(name), target=target, **options)

    def test_no_path_is_refused(self, name: str, target: str, tmp_path: Path) -> None:
        options = BUILDERS[name](tmp_path, target)
        with pytest.raises(DataError, match="path"):
            open_dataset(name, path=None, split=first_split(name), target=target, **options)

    def test_an_unknown_split_is_named(self, name: str, target: str, tmp_path: Path) -> None:
        options = BUILDERS[name](tmp_path, target)
        with pytest.raises(DataError, match="trian"):
            open_dataset(name, path=tmp_path, split="trian", target=target, **options)

    def test_every_missing_image_or_truth_is_named(self, name: str, target: str, tmp_path: Path) -> None:
        dataset = opened(name, target, tmp_path)
        frame = dataset.frames[2]
        file = frame.truths[target]
        file.unlink()
        with pytest.raises(DataError, match=file.stem):
            dataset[2]
        if (name, target) in WITH_GAPS:
            options = reopening(name, target, tmp_path)
            assert frame.name in open_dataset(name, path=tmp_path, split="train", target=target, **options).missing
            return
        with pytest.raises(DataError, match=frame.name.rpartition("/")[2]):
            open_dataset(
                name, path=tmp_path, split=first_split(name), target=target, **reopening(name, target, tmp_path)
            )

    def test_a_truncated_file_is_named(self, name: str, target: str, tmp_path: Path) -> None:
        dataset = opened(name, target, tmp_path)
        for file in (dataset.frames[0].image, dataset.frames[1].truths[target]):
            file.write_bytes(file.read_bytes()[:-20])
        for index, file in enumerate((dataset.frames[0].image, dataset.frames[1].truths[target])):
            with pytest.raises(DataError, match="truncated") as caught:
                dataset[index]
            assert file.name in str(caught.value)

    def test_a_truth_of_another_size_is_named(self, name: str, target: str, tmp_path: Path) -> None:
        if (name, target) in PROJECTED:
            pytest.skip(f"{name} projects its truth")
        dataset = opened(name, target, tmp_path)
        write_png(dataset.frames[0].image, picture(0)[:-1])
        with pytest.raises(DataError, match=f"{ROWS}x{COLS}.*{ROWS - 1}x{COLS}"):
            dataset[0]


def reopening(name: str, target: str, root: Path) -> dict[str, Any]:
    """The options once more, without writing the tree anew."""
    if name == "kitti_joint":
        return {"raw_path": str(root / "raw"), "mapping": str(root / "mapping.txt")}
    if name == "kitti_eigen":
        return {"files": str(root / "files.txt"), "truth": "improved"}
    if name != "folder":
        return {}
    if target == "labels":
        return {"images": "{split}/rgb/*.png", "labels": "{split}/labels/*_gt.png", "classes": ["cat"]}
    return {"images": "{split}/rgb/*.png", "depths": "{split}/depths/*.png"}


def test_without_a_camera_nothing_is_computed_and_that_is_said(tmp_path: Path) -> None:
    options = build_folder(tmp_path, "normals") | {"focal_px": None}
    dataset = open_dataset("folder", path=tmp_path, split="train", target="normals", **options)
    with pytest.raises(DataError, match=r"camera of .* is not known"):
        dataset[0]
    with pytest.raises(ConfigError, match="focal_px is -1"):
        open_dataset("folder", path=tmp_path, split="train", target="normals", **options | {"focal_px": -1})


def test_every_data_set_on_disk_has_a_make_believe_tree() -> None:
    assert {name for name, _ in ON_DISK} == set(BUILDERS)


def test_an_unknown_data_set_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'camvid'"):
        open_dataset("camvit", path=None, split="train", target="labels")


def test_a_truth_that_is_not_there_is_answered_with_those_who_have_it() -> None:
    with pytest.raises(ConfigError, match=r"'camvid' has no depth .*nyuv2"):
        open_dataset("camvid", path=None, split="train", target="depth")


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no option 'image' .*did you mean 'images'"):
        open_dataset("folder", path=tmp_path, split="train", target="labels", image="*.png")
    with pytest.raises(ConfigError, match="there are: allow_missing"):
        open_dataset("camvid", path=tmp_path, split="train", target="labels", image="*.png")
