"""The cache of every data set: whatever it is opened with, and whatever its files are, the cache gives what they say now."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.test_datasets import BUILDERS as TREES
from segdepth.core.errors import ConfigError, SegdepthError
from segdepth.data import DATASETS, Dataset, Sample, open_dataset, stored_kinds
from segdepth.data.cached import Cached
from segdepth.data.loading import resize_sample
from segdepth.data.sample import reader_options
from segdepth.drawing import write_png
from segdepth.kinds import KINDS

ROWS, COLS = 12, 20
SIZE = (6, 10)
FRAMES = 6


@dataclass
class Case:
    """One option of a data set, before and after it is changed.

    Attributes:
        before: the option and others that are needed, by name.
        after: what changes.
        between: done to the folder in between, for options that say what is read of it.
    """

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    between: Callable[[Path], None] = lambda root: None


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (ROWS, COLS, 3), dtype=np.uint8)


def stripes(*values: int) -> np.ndarray:
    return np.resize(np.array(values, np.uint8), (ROWS, COLS)).copy()


def grey16(value: int) -> np.ndarray:
    return np.full((ROWS, COLS), value, np.uint16)


def remove(root: Path, pattern: str) -> None:
    """Remove the first file that fits."""
    sorted(root.glob(pattern))[0].unlink()


def without(pattern: str) -> Callable[[Path], None]:
    return lambda root: remove(root, pattern)


# The trees of the contract of data sets, and beside them what an option can be changed to.


def build_kitti_eigen(root: Path, target: str) -> None:
    TREES["kitti_eigen"](root, target)
    lines = (root / "files.txt").read_text().splitlines()
    (root / "others.txt").write_text("\n".join(lines[1:]))
    drive = "2011_09_26_drive_0002_sync"
    scan = np.array([[10.0, 0.0, 0.0, 0.0]], "<f4").tobytes()
    for line in lines:
        stem = Path(line).stem
        scan_file = root / "2011_09_26" / drive / "velodyne_points/data" / f"{stem}.bin"
        scan_file.parent.mkdir(parents=True, exist_ok=True)
        scan_file.write_bytes(scan)
        write_png(root / "elsewhere/val" / drive / "proj_depth/groundtruth/image_02" / f"{stem}.png", grey16(99))


def build_kitti_joint(root: Path, target: str) -> None:
    TREES["kitti_joint"](root, target)
    shutil.copytree(root / "raw", root / "other_raw")
    for file in (root / "other_raw").rglob("*.bin"):
        file.write_bytes(file.read_bytes()[:1600])
    lines = (root / "mapping.txt").read_text().splitlines()
    (root / "other_mapping.txt").write_text("\n".join([*lines[1:7], "", *lines[7:]]))
    remove(root / "other_raw", "2011_09_26/*_0001_sync/velodyne_points/data/*3.bin")


def build_folder(root: Path, _: str) -> None:
    colours = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 0)], np.uint8)
    for split in ("train", "val"):
        for index in range(FRAMES):
            for seed, kind in enumerate(("", "_b")):
                write_png(root / split / f"rgb{kind}" / f"{index}.png", noise(index + 10 * seed + len(split)))
                labels = np.roll(stripes(3, 7, 255), seed + len(split), axis=1)
                write_png(root / split / f"labels{kind}" / f"{index}.png", labels)
                write_png(root / split / f"depths{kind}" / f"{index}.png", grey16(16000 + 100 * seed + len(split)))
            write_png(root / split / "painted" / f"{index}.png", colours[stripes(0, 1, 2)])
        for kind in ("", "_b"):
            rows = (
                f"{split}/rgb/{i}.png,{split}/labels{kind}/{i}.png,{split}/depths{kind}/{i}.png" for i in range(FRAMES)
            )
            (root / f"{split}{kind}.csv").write_text("image,label,depth\n" + "\n".join(rows))


BUILDERS: dict[str, Callable[[Path, str], object]] = {
    **TREES,
    "folder": build_folder,
    "kitti_eigen": build_kitti_eigen,
    "kitti_joint": build_kitti_joint,
    "synthetic": lambda root, target: None,
}

LABELS = {
    "images": "{split}/rgb/*.png",
    "labels": "{split}/labels/*.png",
    "classes": ["cat", "dog"],
    "label_ids": [3, 7],
}
PAINTED = {"images": "{split}/rgb/*.png", "labels": "{split}/painted/*.png", "classes": ["cat", "dog"]}
DEPTHS = {"images": "{split}/rgb/*.png", "depths": "{split}/depths/*.png", "depth_unit": 0.001}
JOINT = {"raw_path": "raw", "mapping": "mapping.txt"}
EIGEN = {"files": "files.txt", "truth": "improved"}
SMALL = {"num_images": 1, "height": 24, "width": 48}

#: What is needed to open one, but for paths as names below its folder.
NEEDED: dict[tuple[str, str], dict[str, Any]] = {
    ("folder", "labels"): LABELS,
    ("folder", "depth"): DEPTHS,
    ("kitti_eigen", "depth"): EIGEN,
    ("kitti_joint", "labels"): JOINT,
    ("kitti_joint", "depth"): JOINT,
    ("synthetic", "labels"): SMALL,
    ("synthetic", "depth"): SMALL,
}

#: Options that are paths, which the test completes.
PATHS = {"files", "truth_path", "raw_path", "mapping"}

_UNIT = {"csv": "{split}.csv", "images": None}

#: Data set -> option -> how it is changed. Those of the truth that is not read change nothing, and need none.
CASES: dict[tuple[str, str], dict[str, Case]] = {
    ("camvid", "labels"): {"allow_missing": Case({}, {"allow_missing": True}, without("trainannot/*.png"))},
    ("nyuv2", "labels"): {"allow_missing": Case({}, {"allow_missing": True}, without("train/label/*.png"))},
    ("nyuv2", "depth"): {"allow_missing": Case({}, {"allow_missing": True}, without("train/depth/*.png"))},
    ("cityscapes", "labels"): {"allow_missing": Case({}, {"allow_missing": True}, without("gtFine/train/*/*.png"))},
    ("cityscapes", "depth"): {"allow_missing": Case({}, {"allow_missing": True}, without("disparity/train/*/*.png"))},
    ("kitti", "labels"): {"allow_missing": Case({}, {"allow_missing": True}, without("training/semantic/*1_10.png"))},
    ("kitti", "depth"): {"allow_missing": Case({}, {"allow_missing": True}, without("*0005_sync_02/*.npy"))},
    ("kitti_raw", "depth"): {},
    ("kitti_eigen", "depth"): {
        "files": Case({}, {"files": "others.txt"}),
        "truth": Case({}, {"truth": "velodyne"}),
        "truth_path": Case({}, {"truth_path": "elsewhere"}),
        "allow_missing": Case({}, {"allow_missing": True}, without("val/*/*/*/*/*.png")),
    },
    ("kitti_joint", "labels"): {
        "raw_path": Case({}, {"raw_path": "other_raw"}),
        "mapping": Case({}, {"mapping": "other_mapping.txt"}),
    },
    ("kitti_joint", "depth"): {
        "raw_path": Case({}, {"raw_path": "other_raw"}),
        "mapping": Case({}, {"mapping": "other_mapping.txt"}),
    },
    ("folder", "labels"): {
        "images": Case({}, {"images": "{split}/rgb_b/*.png"}),
        "labels": Case({}, {"labels": "{split}/labels_b/*.png"}),
        "csv": Case(_UNIT, {"csv": "{split}_b.csv"}),
        "classes": Case({}, {"classes": ["dog", "cat"]}),
        "colours": Case(
            {**PAINTED, "label_ids": None, "colours": [(255, 0, 0), (0, 255, 0)]},
            {"colours": [(0, 255, 0), (255, 0, 0)]},
        ),
        "label_ids": Case({}, {"label_ids": [7, 3]}),
        "ignore_value": Case({}, {"ignore_value": 254}),
        "crop": Case({}, {"crop": "garg"}),
        "focal_px": Case({}, {"focal_px": 60.0}),
        "allow_missing": Case({}, {"allow_missing": True}, without("train/labels/*.png")),
    },
    ("folder", "depth"): {
        "images": Case({}, {"images": "{split}/rgb_b/*.png"}),
        "depths": Case({}, {"depths": "{split}/depths_b/*.png"}),
        "csv": Case(_UNIT, {"csv": "{split}_b.csv"}),
        "depth_unit": Case({}, {"depth_unit": 0.002}),
        "invalid_depth": Case({}, {"invalid_depth": 16005.0}),
        "min_depth": Case({}, {"min_depth": 20.0}),
        "max_depth": Case({}, {"max_depth": 10.0}),
        "crop": Case({}, {"crop": "garg"}),
        "focal_px": Case({}, {"focal_px": 60.0}),
        "allow_missing": Case({}, {"allow_missing": True}, without("train/depths/*.png")),
    },
    **{
        ("synthetic", target): {
            "num_images": Case({}, {"num_images": 2}),
            "seed": Case({}, {"seed": 1}),
            "height": Case({}, {"height": 32}),
            "width": Case({}, {"width": 64}),
        }
        for target in ("labels", "depth")
    },
}

#: Options of a truth that is not read.
IDLE = {
    ("folder", "labels"): {"depths", "depth_unit", "invalid_depth", "min_depth", "max_depth"},
    ("folder", "depth"): {"labels", "classes", "colours", "label_ids", "ignore_value"},
}

#: What is computed is made of the samples of these, whose options it has.
ENTRIES = [(name, target) for name, readers in DATASETS.items() for target in readers if target in stored_kinds(name)]
OPTIONS = [(*entry, option) for entry in ENTRIES for option in reader_options(DATASETS[entry[0]][entry[1]])]


def opened(entry: tuple[str, str], root: Path, split: str | None = None, **options: Any) -> Dataset:
    name, target = entry
    given = NEEDED.get(entry, {}) | options
    complete = {key: str(root / value) if key in PATHS and value is not None else value for key, value in given.items()}
    split = split or ("test" if name == "kitti_eigen" else "train")
    return open_dataset(name, path=None if name == "synthetic" else root, split=split, target=target, **complete)


def looked_at(dataset: Dataset, read: Callable[[int], Sample]) -> list[Any]:
    """All that a data set says: of itself, and in every sample, or why it does not."""
    said: list[Any] = [list(dataset.names), dataset.classes, dataset.depth_range, dataset.crop, dataset.points]
    for index in range(len(dataset)):
        try:
            sample = read(index)
        except SegdepthError as error:
            said.append(str(error))
        else:
            arrays = (sample.image, *(sample.truths.get(kind) for kind in KINDS))
            said.append([sample.name, sample.focal_px, *(a if a is None else (a.shape, a.tobytes()) for a in arrays)])
    return said


def plain(dataset: Dataset) -> list[Any]:
    return looked_at(dataset, lambda index: resize_sample(dataset[index], SIZE, points=dataset.points))


def cached(dataset: Dataset, cache: Path) -> list[Any]:
    kept = Cached(dataset, SIZE, cache)
    return looked_at(kept, kept.__getitem__)


def require_the_new(before: Dataset, after: Callable[[], Dataset], cache: Path) -> None:
    """Both through one cache, the second as it is without."""
    first, filled = plain(before), cached(before, cache)
    assert filled == first == cached(before, cache), "filled, and read"
    new = plain(after())
    assert new != first, "the case changes nothing, and would pass with any cache"
    assert cached(after(), cache) == new
    assert cached(after(), cache) == new, "read once more"


def test_every_data_set_has_cases() -> None:
    assert set(CASES) == set(ENTRIES)


@pytest.mark.parametrize(("name", "target", "option"), OPTIONS)
def test_another_value_of_an_option_is_seen_through_the_cache(
    name: str, target: str, option: str, tmp_path: Path
) -> None:
    entry = name, target
    if option in IDLE.get(entry, ()):
        pytest.skip(f"{option} does not matter where {target} are read")
    case, root = CASES[entry][option], tmp_path / "data"
    root.mkdir()
    BUILDERS[name](root, target)
    before = opened(entry, root, **case.before)
    if case.between is not Case.between:
        kept = cached(before, tmp_path / "cache")
        case.between(root)
        assert cached(opened(entry, root, **case.before | case.after), tmp_path / "cache") != kept
        return
    require_the_new(before, lambda: opened(entry, root, **case.before | case.after), tmp_path / "cache")


@pytest.mark.parametrize("entry", ENTRIES)
class TestEveryCache:
    def test_another_split(self, entry: tuple[str, str], tmp_path: Path) -> None:
        if entry[0] == "kitti_eigen":
            pytest.skip("has one split")
        BUILDERS[entry[0]](tmp_path, entry[1])
        splits = "train", "val"
        require_the_new(
            opened(entry, tmp_path, splits[0]), lambda: opened(entry, tmp_path, splits[1]), tmp_path / "cache"
        )

    def test_another_folder_of_the_same_files(self, entry: tuple[str, str], tmp_path: Path) -> None:
        if entry[0] == "synthetic":
            pytest.skip("has no folder")
        BUILDERS[entry[0]](tmp_path / "one", entry[1])
        shutil.copytree(tmp_path / "one", tmp_path / "other")
        one, another = (opened(entry, tmp_path / "other").sources(index)[0] for index in (0, 1))
        one.write_bytes(another.read_bytes())
        require_the_new(opened(entry, tmp_path / "one"), lambda: opened(entry, tmp_path / "other"), tmp_path / "cache")

    def test_another_truth(self, entry: tuple[str, str], tmp_path: Path) -> None:
        name, target = entry
        other = "depth" if target == "labels" else "labels"
        if DATASETS[name].get(other) is not DATASETS[name][target]:
            pytest.skip("has one truth")
        BUILDERS[entry[0]](tmp_path, entry[1])
        require_the_new(opened(entry, tmp_path), lambda: opened((name, other), tmp_path), tmp_path / "cache")

    def test_every_file_of_a_sample_counts(self, entry: tuple[str, str], tmp_path: Path) -> None:
        """A truth that was mended, or a camera, is read anew."""
        if entry[0] == "synthetic":
            pytest.skip("has no files")
        BUILDERS[entry[0]](tmp_path, entry[1])
        dataset = opened(entry, tmp_path)
        stamps = [Cached(dataset, SIZE, tmp_path / "cache")._stamp(0)]
        for file in dataset.sources(0):
            assert file.is_file(), "of a whole tree"
            file.write_bytes(file.read_bytes() + b" ")
            stamps.append(Cached(dataset, SIZE, tmp_path / "cache")._stamp(0))
        assert len(set(stamps)) == 1 + len(dataset.sources(0)) >= 3
        json.loads(stamps[0])


class Marked(Dataset):
    """A data set with options of every kind."""

    names = ("one",)

    def __init__(self, path: Path | None, split: str, targets: frozenset, *, marks: Any = ()) -> None:
        super().__init__(path, split, targets)
        self.marks = marks

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((1, 1, 3), sum(map(ord, str(self.marks))) % 251, np.uint8), self.names[index])


PLAIN_VALUES = [
    None,
    1,
    1.5,
    True,
    "1",
    Path("1"),
    ["a", "b"],
    [["a"], "b"],
    ["b", "a"],
    {"a": 1},
    {"a": 2},
    {"a", "b"},
    [1],
    ["path", "1"],
]


def test_values_of_every_kind_are_told_apart_and_equal_ones_are_one(tmp_path: Path) -> None:
    folders = [
        Cached(Marked(None, "train", frozenset(), marks=marks), SIZE, tmp_path)._folder for marks in PLAIN_VALUES
    ]
    again = [Cached(Marked(None, "train", frozenset(), marks=marks), SIZE, tmp_path)._folder for marks in PLAIN_VALUES]
    assert folders == again
    assert len(set(folders)) == len(PLAIN_VALUES)
    one, other = (Marked(None, "train", frozenset(), marks=Marked(None, "val", frozenset(), marks=m)) for m in (1, 2))
    assert Cached(one, SIZE, tmp_path)._folder != Cached(other, SIZE, tmp_path)._folder, "a data set of a data set"


def test_what_cannot_be_written_down_is_refused_and_not_left_out(tmp_path: Path) -> None:
    dataset = Marked(None, "train", frozenset(), marks=[object()])
    with pytest.raises(ConfigError, match=r"Marked was opened with <object .*data\.cache"):
        Cached(dataset, SIZE, tmp_path)
