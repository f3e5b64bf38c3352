"""An array's file is whole or not there."""

from pathlib import Path

import numpy as np
import pytest

from segdepth.core.arrays import write_npy


def test_what_is_written_is_read_and_nothing_is_left_beside(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_npy(tmp_path / "new" / "a.npy", array)
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "a.npy"), array)
    with pytest.raises(OSError, match="exists"):
        write_npy(tmp_path / "new" / "a.npy" / "b.npy", array)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.npy"]
