"""The head of a file of weights."""

import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from segdepth.core.errors import CheckpointError
from segdepth.core.weights import opened_weights, read_words


def test_words_and_tensors(tmp_path: Path) -> None:
    save_file({"w": np.arange(3.0)}, tmp_path / "a", metadata={"segdepth": "{}"})
    assert read_words(tmp_path / "a") == {"segdepth": "{}"}
    with opened_weights(tmp_path / "a", "numpy") as file:
        np.testing.assert_array_equal(file.get_tensor("w"), np.arange(3.0))
    save_file({"w": np.arange(3.0)}, tmp_path / "a")
    assert read_words(tmp_path / "a") == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        struct.pack("<Q", 2**63),
        struct.pack("<Q", 2) + b"{}x",
        struct.pack("<Q", 99) + b"{",
        struct.pack("<Q", 55) + b'{"w":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}',
    ],
)
def test_what_is_no_file_of_weights_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"a' is no safetensors file, or is truncated"):
        read_words(tmp_path / "a")
    (tmp_path / "a").unlink()
    with pytest.raises(CheckpointError, match=r"no file .*a, which should be a file of weights"):
        read_words(tmp_path / "a")
