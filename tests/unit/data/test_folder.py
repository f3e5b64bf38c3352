import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import ConfigError, DataError
from segdepth.data import open_dataset
from segdepth.data.folder import Folder
from segdepth.drawing import write_png
from segdepth.kinds import IGNORE

LABELS, DEPTH, NOTHING = frozenset({"labels"}), frozenset({"depth"}), frozenset()
CLASSES = ["cat", "dog"]
PICTURE = np.zeros((2, 3, 3), np.uint8)


def touch(root: Path, *names: str) -> None:
    for name in names:
        write_png(root / name, PICTURE)


def labelled(root: Path, values: np.ndarray, **options: Any) -> np.ndarray:
    """The labels that come out of one file."""
    write_png(root / "a.png", np.zeros((*values.shape[:2], 3), np.uint8))
    write_png(root / "gt" / "a.png", values)
    options = {"classes": CLASSES} | options
    return Folder(root, "{}", LABELS, images="*.png", labels="gt/*.png", **options)[0].truth("labels")


def measured(root: Path, stored: np.ndarray, **options: Any) -> np.ndarray:
    """The depth that comes out of one file."""
    write_png(root / "a.png", np.zeros((*stored.shape[:2], 3), np.uint8))
    (root / "d").mkdir(exist_ok=True)
    if stored.dtype == np.uint16:
        write_png(root / "d" / "a.png", stored)
    else:
        np.save(root / "d" / "a.npy", stored)
    return Folder(root, "train", DEPTH, images="*.png", depths="d/*.*", **options)[0].truth("depth")


class TestPairing:
    @pytest.mark.parametrize(
        ("files", "images", "truths", "names"),
        [
            (("rgb/b.png", "rgb/a.png", "gt/a_m.png", "gt/b_m.png"), "rgb/*.png", "gt/*_m.png", ["a", "b"]),
            (("rgb/x.1.png", "gt/x.1.png"), "rgb/*", "gt/*.png", ["x.1"]),
            (("rgb/a.png", "gt/a.png"), "rgb/*.*", "gt/*.p[mn]g", ["a"]),
            (("s1/rgb/1.png", "s2/rgb/1.png", "s1/gt/1.png", "s2/gt/1.png"), "*/rgb/*.png", "*/gt/*.png",
             ["s1/1", "s2/1"]),
            (("rgb/s/t/1.png", "rgb/2.png", "gt/s/t/1.png", "gt/2.png"), "rgb/**/*.png", "gt/**/*.png", ["2", "s/t/1"]),
            (("rgb/s/1.png", "gt/s/1.png"), "rgb/**", "gt/**", ["s/1"]),
            (("i01.png", "i02.png", "l01.png", "l02.png"), "i?[0-9].png", "l?[!a].png", ["0/1", "0/2"]),
            (("one.png", "two.png"), "one.png", "two.png", None),
        ],
    )  # fmt: skip
    def test_wildcards_are_names_and_pair(
        self, tmp_path: Path, files: tuple[str, ...], images: str, truths: str, names: list[str] | None
    ) -> None:
        touch(tmp_path, *files)
        if names is None:  # no wildcard: the names are the files' own and do not pair
            with pytest.raises(DataError, match="called 'one'"):
                Folder(tmp_path, "train", LABELS, images=images, labels=truths, classes=CLASSES)
            return
        dataset = Folder(tmp_path, "train", LABELS, images=images, labels=truths, classes=CLASSES)
        assert list(dataset.names) == names
        assert {str(f.image.relative_to(tmp_path)) for f in dataset.frames} <= set(files)

    def test_split_is_filled_in(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        touch(tmp_path, "train/a.png", "val/b.png")
        for split, name in (("train", "a"), ("val", "b")):
            assert list(Folder(tmp_path, split, NOTHING, images="{split}/*.png").names) == [name]
        assert not caplog.messages
        with caplog.at_level(logging.WARNING):
            Folder(tmp_path, "train", NOTHING, images="*/*.png")
        assert "every split has the same pictures" in caplog.text

    def test_globs_may_be_absolute(self, tmp_path: Path) -> None:
        touch(tmp_path / "elsewhere", "a.png")
        (tmp_path / "here").mkdir()
        dataset = Folder(tmp_path / "here", "train", NOTHING, images=f"{tmp_path}/elsewhere/*.png")
        assert dataset[0].name == "a"

    @pytest.mark.parametrize(
        ("extra", "complaint"),
        [("rgb/c.png", r"rgb/c\.png has no partner in labels: none there is called 'c' \(1 of 3"),
         ("gt/c.png", r"gt/c\.png has no partner in images: none there is called 'c' \(1 of 3")],
    )  # fmt: skip
    def test_one_too_many_is_named(self, tmp_path: Path, extra: str, complaint: str) -> None:
        touch(tmp_path, "rgb/a.png", "rgb/b.png", "gt/a.png", "gt/b.png", extra)
        with pytest.raises(DataError, match=complaint):
            Folder(tmp_path, "train", LABELS, images="rgb/*.png", labels="gt/*.png", classes=CLASSES)

    def test_a_glob_without_files_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"no files .*rgb/\*\.png \(images\)"):
            Folder(tmp_path, "train", NOTHING, images="rgb/*.png")

    def test_two_files_of_one_name_are_named(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.png")
        (tmp_path / "a.jpg").touch()
        with pytest.raises(DataError, match=r"a\.jpg and .*a\.png would have one name, 'a'"):
            Folder(tmp_path, "train", NOTHING, images="*.*")

    def test_a_truth_needs_its_glob(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.png")
        with pytest.raises(ConfigError, match=r"depths .* is needed to read depth"):
            Folder(tmp_path, "train", DEPTH, images="*.png")


class TestCsv:
    def test_rows_are_frames(self, tmp_path: Path) -> None:
        touch(tmp_path, "x/a.png", "x/b.png", "y/1.png", "y/2.png")
        (tmp_path / "list.csv").write_text(
            "\ufeffimage, label, split\nx/b.png,y/1.png,train\nx/a.png,y/2.png,val\n", encoding="utf-8"
        )
        dataset = Folder(tmp_path, "train", LABELS, csv="list.csv", classes=CLASSES)
        assert list(dataset.names) == ["x/b"]
        assert dataset.frames[0].truths["labels"] == tmp_path / "y" / "1.png"
        assert Folder(tmp_path, "val", LABELS, csv="list.csv", classes=CLASSES).names == ("x/a",)

    def test_a_list_per_split(self, tmp_path: Path) -> None:
        touch(tmp_path, "up/a.png")
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "val.csv").write_text("image\n../up/a.png\n")
        assert Folder(tmp_path / "here", "val", NOTHING, csv="{split}.csv").names == ("up/a",)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("image\na.png", "no column 'label' .*it has: image"),
            ("image,label\na.png", "1 entries, not 2"),
            ("image,label\na.png,b.png", r"no file .*b\.png, which .*list\.csv lists"),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path: Path, text: str, complaint: str) -> None:
        touch(tmp_path, "a.png")
        (tmp_path / "list.csv").write_text(text)
        with pytest.raises(DataError, match=complaint):
            Folder(tmp_path, "train", LABELS, csv="list.csv", classes=CLASSES)

    @pytest.mark.parametrize("options", [{}, {"csv": "a.csv", "images": "*.png"}])
    def test_it_is_globs_or_a_list(self, tmp_path: Path, options: dict[str, str]) -> None:
        with pytest.raises(ConfigError, match=r"either images .* or csv"):
            Folder(tmp_path, "train", NOTHING, **options)


class TestLabels:
    def test_values_are_classes_in_order(self, tmp_path: Path) -> None:
        stored = np.array([[0, 1, 255]], np.uint8)
        np.testing.assert_array_equal(labelled(tmp_path, stored), [[0, 1, IGNORE]])

    def test_values_can_be_declared(self, tmp_path: Path) -> None:
        stored = np.array([[200, 0, 9]], np.uint8)
        labels = labelled(tmp_path, stored, label_ids=[200, 9], ignore_value=0)
        np.testing.assert_array_equal(labels, [[0, IGNORE, 1]])

    def test_other_values_are_refused_with_the_file(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"gt/a\.png has 1 pixels of value 2.*allowed: 0-1, 255"):
            labelled(tmp_path, np.array([[0, 1, 2]], np.uint8))
        with pytest.raises(DataError, match="value 255"):
            labelled(tmp_path, np.array([[0, 1, 255]], np.uint8), ignore_value=None)

    def test_colours_are_classes(self, tmp_path: Path) -> None:
        stored = np.array([[[255, 0, 0], [0, 0, 9], [0, 0, 0]]], np.uint8)
        labels = labelled(tmp_path, stored, colours=[(0, 0, 9), (255, 0, 0)])
        np.testing.assert_array_equal(labels, [[1, 0, IGNORE]])
        labels = labelled(tmp_path, stored[:, 1:], colours=[(0, 0, 9), (0, 0, 0)])
        np.testing.assert_array_equal(labels, [[0, 1]])
        assert labels.dtype == np.uint8

    def test_other_colours_are_refused_with_the_file(self, tmp_path: Path) -> None:
        stored = np.array([[[255, 0, 0], [1, 2, 3]]], np.uint8)
        with pytest.raises(DataError, match=r"gt/a\.png has 1 pixels of colour \(1, 2, 3\)"):
            labelled(tmp_path, stored, colours=[(0, 0, 9), (255, 0, 0)])
        with pytest.raises(DataError, match="colour picture"):
            labelled(tmp_path, stored)

    def test_classes_get_colours_that_differ(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.png", "gt/a.png")
        names = [str(index) for index in range(255)]
        table = Folder(tmp_path, "train", LABELS, images="*.png", labels="gt/*.png", classes=names).classes
        assert len(set(table.colours)) == 255
        assert table.colours[:3] == ((128, 0, 0), (0, 128, 0), (128, 128, 0))

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"classes": None}, "labels need classes"),
            ({"classes": ["cat", "cat"]}, "two of the classes"),
            ({"label_ids": [1]}, "1 label_ids for 2 classes"),
            ({"label_ids": [1, 256]}, "0..255"),
            ({"colours": [(0, 0, 0)] * 2}, "two of the colours"),
            ({"ignore_value": 1}, "ignore_value 1"),
            ({"min_depth": 5.0, "max_depth": 1.0}, "min_depth < max_depth"),
        ],
    )
    def test_options_that_do_not_fit_are_refused(self, tmp_path: Path, options: dict[str, Any], complaint: str) -> None:
        with pytest.raises(ConfigError, match=complaint):
            labelled(tmp_path, np.zeros((1, 1), np.uint8), **options)


class TestDepth:
    def test_the_unit_is_needed_for_whole_numbers_only(self, tmp_path: Path) -> None:
        stored = np.array([[0, 1500]], np.uint16)
        np.testing.assert_allclose(measured(tmp_path, stored, depth_unit=0.001), [[0, 1.5]], rtol=1e-6)
        with pytest.raises(ConfigError, match=r"depth_unit is needed.*d/a\.png"):
            measured(tmp_path, stored)

    def test_floats_are_metres(self, tmp_path: Path) -> None:
        depth = measured(tmp_path, np.array([[np.nan, 1.5, -1, np.inf, 0]]))
        np.testing.assert_array_equal(depth, [[0, 1.5, 0, 0, 0]])
        assert depth.dtype == np.float32

    def test_the_invalid_value_is_the_stored_one(self, tmp_path: Path) -> None:
        stored = np.array([[65535, 1500, 0]], np.uint16)
        depth = measured(tmp_path, stored, depth_unit=0.001, invalid_depth=65535.0)
        np.testing.assert_allclose(depth, [[0, 1.5, 0]], rtol=1e-6)

    def test_outside_the_range_is_no_measurement(self, tmp_path: Path) -> None:
        depth = measured(tmp_path, np.array([[0.5, 1, 10, 10.5]]), min_depth=1.0, max_depth=10.0)
        np.testing.assert_array_equal(depth, [[0, 1, 10, 0]])

    def test_a_colour_picture_is_refused(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.png", "d/a.png")
        with pytest.raises(DataError, match=r"d/a\.png holds uint8 of shape \(2, 3, 3\)"):
            Folder(tmp_path, "train", DEPTH, images="*.png", depths="d/*.png", depth_unit=1.0)[0]


def test_an_option_of_another_type_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.csv: should be a valid string, but 0 is given"):
        open_dataset("folder", path=tmp_path, split="train", target="depth", csv=0)
