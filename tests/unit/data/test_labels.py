"""Tables of classes are whole, and look up both ways."""

import numpy as np
import pytest

from segdepth.data import labels
from segdepth.data.labels import CAMVID, CITYSCAPES, NYU40, ClassTable
from segdepth.kinds import KINDS

TABLES = [CITYSCAPES, CAMVID, NYU40]
VOID = next(kind.void for kind in KINDS.values() if kind.names_classes)


def test_every_table_is_tried_here() -> None:
    tables = {name for name, value in vars(labels).items() if isinstance(value, ClassTable)}
    assert tables <= {*labels.__all__}
    assert len(tables) == len(TABLES)


@pytest.mark.parametrize("table", TABLES, ids=len)
def test_classes_are_told_apart(table: ClassTable) -> None:
    assert len(set(table.names)) == len(set(table.colours)) == len(set(table.label_ids)) == len(table)
    assert len(table) <= VOID
    assert all(len(colour) == 3 and 0 <= min(colour) <= max(colour) <= 255 for colour in table.colours)


@pytest.mark.parametrize("table", TABLES, ids=len)
def test_train_ids_become_the_values_of_files(table: ClassTable) -> None:
    assert table.to_label_id.dtype == np.uint8
    for train_id, label_id in enumerate(table.label_ids):
        assert table.to_label_id[train_id] == label_id
    assert not table.to_label_id[len(table) :].any()  # unlabelled


@pytest.mark.parametrize(
    ("name", "label_id", "colour"),
    [
        ("road", 7, (128, 64, 128)),
        ("car", 26, (0, 0, 142)),
        ("bicycle", 33, (119, 11, 32)),
        ("sky", 23, (70, 130, 180)),
    ],
)
def test_cityscapes_classes_are_the_public_ones(name: str, label_id: int, colour: tuple[int, int, int]) -> None:
    train_id = CITYSCAPES.names.index(name)
    assert (CITYSCAPES.label_ids[train_id], CITYSCAPES.colours[train_id]) == (label_id, colour)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        ClassTable(("road",), ((1, 2, 3), (4, 5, 6)), (7,))
