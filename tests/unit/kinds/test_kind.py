"""What every kind of truth promises, and what is each one's own."""

import numpy as np
import pytest
from numpy import ndarray

from segdepth.kinds import KINDS
from segdepth.kinds.kind import AnswerFiles, ReadAnswer

SIZE = (6, 9)
#: Numbers at a pixel, where they are several.
VALUES = {"normals": (3,)}


def truth_of(name: str) -> ndarray:
    """Numbers that a truth of this kind may have, with some that are not known."""
    kind = KINDS[name]
    values = VALUES.get(name, ())
    truth = 1 + np.arange(np.prod((*SIZE, *values))).reshape(*SIZE, *values).astype(kind.dtype)
    truth[::2, ::3] = kind.void
    return truth


@pytest.mark.parametrize("name", KINDS)
def test_another_size_mixes_nothing(name: str) -> None:
    truth = truth_of(name)
    for size in (SIZE, (3, 4), (13, 20)):
        resized = KINDS[name].resized(truth, size)
        assert (resized.shape, resized.dtype) == ((*size, *VALUES.get(name, ())), truth.dtype)
        assert set(np.unique(resized)) <= set(np.unique(truth))
    assert KINDS[name].resized(truth, SIZE) is truth


@pytest.mark.parametrize("name", sorted(KINDS.keys() - VALUES))
def test_a_mirror_moves_pixels_and_leaves_their_values(name: str) -> None:
    truth = truth_of(name)
    np.testing.assert_array_equal(KINDS[name].turned(truth, np.diag([-1.0, 1.0])), truth)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_not_known_is_not_known_in_the_mirror(name: str) -> None:
    kind, truth = KINDS[name], truth_of(name)
    np.testing.assert_array_equal(kind.turned(truth, np.diag([-1.0, 1.0])) == kind.void, truth == kind.void)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_void_stays_void_nearer(name: str) -> None:
    kind, truth = KINDS[name], truth_of(name)
    np.testing.assert_array_equal(kind.nearer(truth, 2.0) == kind.void, truth == kind.void)


def test_targets_are_what_losses_compare_with() -> None:
    labels, depth = truth_of("labels"), truth_of("depth")
    assert (KINDS["labels"].target(labels).dtype, KINDS["labels"].target(labels).shape) == (np.int64, SIZE)
    assert (KINDS["depth"].target(depth).dtype, KINDS["depth"].target(depth).shape) == (np.float32, (1, *SIZE))
    mirrored = KINDS["depth"].target(depth[:, ::-1])  # negative strides, which torch refuses
    assert mirrored.flags["C_CONTIGUOUS"]


def test_depth_gets_nearer_and_labels_do_not() -> None:
    labels, depth = truth_of("labels"), truth_of("depth")
    np.testing.assert_array_equal(KINDS["depth"].nearer(depth, 2.0), depth / 2)
    assert KINDS["labels"].nearer(labels, 2.0) is labels


def test_single_points_are_not_lost_when_depth_shrinks() -> None:
    depth = np.zeros((4, 4), np.float32)
    depth[0, 0], depth[0, 1], depth[3, 3] = 9, 5, 7
    np.testing.assert_array_equal(KINDS["depth"].resized(depth, (2, 2), points=True), [[5, 0], [0, 7]])


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.column is not None])
def test_of_what_is_not_known_no_stratum_has_a_pixel(name: str) -> None:
    kind = KINDS[name]
    unknown = kind.tabled(np.full(5, kind.void, kind.dtype))
    assert unknown.dtype == kind.dtype
    assert not any(where.any() for where in kind.strata(unknown, ["road", "car"]).values())


def test_strata_are_classes_and_bands_of_distance() -> None:
    classes = KINDS["labels"].strata(np.array([0, 1, 1, 255], np.uint8), ["road", "car"])
    assert {name: where.tolist() for name, where in classes.items()} == {
        "road": [True, False, False, False], "car": [False, True, True, False],
    }  # fmt: skip
    assert list(KINDS["labels"].strata(np.array([3], np.uint8), []))[3] == "class 3"
    metres = KINDS["depth"].tabled(np.array([0, 0.5, 10, 10.5, 80, 81], np.float32))
    assert np.isnan(metres[0])
    bands = KINDS["depth"].strata(metres, [])
    assert list(bands) == ["0-10 m", "10-20 m", "20-40 m", "40-80 m"]
    assert [np.flatnonzero(where).tolist() for where in bands.values()] == [[1, 2], [3], [], [4]]


@pytest.mark.parametrize("name", KINDS)
def test_a_legend_says_the_colours_of_all_pictures(name: str) -> None:
    names, colours = ("road", "car"), ((1, 2, 3), (4, 5, 6))
    painter, truth = KINDS[name].painter(None, colours), truth_of(name)
    np.testing.assert_array_equal(painter(truth)[1:2], painter(truth[1:2]), err_msg="a pixel's colour is its own")
    legend = KINDS[name].legend(names, colours)
    assert all(entry.text and all(len(rgb) == 3 for rgb in entry.colours) for entry in legend)
    assert all((len(entry.colours) > 1) == bool(entry.end) for entry in legend)


def test_what_legends_say() -> None:
    assert KINDS["labels"].legend(("road",), ((1, 2, 3),)) == [("road", ((1, 2, 3),), "")]
    (ramp,) = KINDS["depth"].legend((), ())
    assert (ramp.text, ramp.end) == ("depth: 3 m", "50 m")
    ends = KINDS["depth"].painter(None, ())(np.array([[3, 50]], np.float32))[0].tolist()
    assert [list(ramp.colours[0]), list(ramp.colours[-1])] == ends
    up = KINDS["normals"].painter(None, ())(np.array([[[0, -1, 0]]], np.float32))[0, 0].tolist()
    assert {entry.text: list(entry.colours[0]) for entry in KINDS["normals"].legend((), ())}["faces up"] == up


def test_one_kind_names_classes() -> None:
    assert [kind.name for kind in KINDS.values() if kind.names_classes] == ["labels"]


class Noted(ReadAnswer):
    """Reads nothing; notes how files would be read."""

    def __init__(self, how: str, unit: str | None) -> None:
        self.how, self.unit = how, unit or "told"

    def __call__(self, name: str) -> tuple[ndarray, str]:
        raise NotImplementedError


class Files(AnswerFiles):
    def as_numbers(self, unit: str) -> Noted:
        return Noted("numbers", unit)

    def as_classes(self, unit: str | None) -> Noted:
        return Noted("classes", unit)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_says_how_files_of_answers_are_read(name: str) -> None:
    kind = KINDS[name]
    for unit in (None, *kind.units):
        reader = kind.reader_of(Files(), unit)
        expected = ("classes", unit or "told") if kind.names_classes else ("numbers", unit or kind.units[0])
        assert (reader.how, reader.unit) == expected
