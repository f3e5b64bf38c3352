"""Files of torch.save: what is harmless is read, what would run is not run, and why is said in one sentence."""

import io
import pickle
import pickletools
import struct
import zipfile
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segdepth.core.errors import CheckpointError
from segdepth.networks.torch_files import is_torch_file, load_torch_file

STATE = OrderedDict(weight=torch.arange(6.0).view(2, 3), bias=torch.ones(2, dtype=torch.float16))
RAN: list[str] = []


class Runs:
    """Says so when it is put back together."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return RAN.append, ("ran",)


class Shouts:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("ran",)


@pytest.fixture(params=[True, False], ids=["zipped", "old"])
def save(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Any], Path]:
    """Writes a value as torch does, or as it did before 1.6."""

    def written(value: Any) -> Path:
        path = tmp_path / "weights.pth"
        torch.save(value, path, _use_new_zipfile_serialization=request.param)
        return path

    return written


def test_tensors_and_plain_values_are_read(save: Callable[[Any], Path]) -> None:
    values = {
        "model_state": STATE,
        "epoch": 3,
        "name": "fcn",
        "best": np.float64(0.25),
        "count": np.int64(7),
        "parts": [1, (2.5, None), {"x"}],
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    path = save(values)
    assert is_torch_file(path)
    found = load_torch_file(path)
    assert {k: v for k, v in found.items() if k not in ("model_state", "parameter")} == {
        k: v for k, v in values.items() if k not in ("model_state", "parameter")
    }
    assert torch.equal(found["parameter"], values["parameter"])
    for name, tensor in STATE.items():
        assert torch.equal(found["model_state"][name], tensor)
        assert found["model_state"][name].dtype == tensor.dtype


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Shouts(), "run code of its own choice, (builtins|__builtin__).print"),
        (Namespace(lr=0.1), "an object of the class argparse.Namespace"),
        (torch.nn.Linear(2, 2), r"torch\.nn\.modules\.linear\.Linear"),
        (Path("a"), r"an object of the class pathlib\.\w*Path"),
    ],
)
def test_what_could_only_be_read_by_running_it_is_named(
    save: Callable[[Any], Path], value: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save({"state": STATE, "beside": value})
    with pytest.raises(CheckpointError, match=f"cannot be read safely: .*{words}.*save the weights alone"):
        load_torch_file(path)
    assert capsys.readouterr().out == ""


def test_nothing_runs(save: Callable[[Any], Path]) -> None:
    path = save(Runs())
    RAN.clear()
    with pytest.raises(CheckpointError, match="run code of its own choice"):
        load_torch_file(path)
    assert RAN == []


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_without_its_end_is_said_to_be(save: Callable[[Any], Path], share: float) -> None:
    path = save({"state": torch.zeros(400)})
    cut(path, share)
    with pytest.raises(CheckpointError, match="truncated"):
        load_torch_file(path)


def old_zip(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "hello")


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "text": (lambda path: path.write_text("<html>not found</html>"), "neither a file of torch.save nor safetensors"),
    "archive": (lambda path: old_zip(path, "readme.txt"), "a zip archive, but not one of torch.save"),
    "pickle": (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "it is a plain pickle"),
    "zeros": (lambda path: path.write_bytes(bytes(100)), "neither a file of torch.save nor safetensors"),
}


@pytest.mark.parametrize("name", FILES)
def test_other_files_are_told_apart(name: str, tmp_path: Path) -> None:
    write, words = FILES[name]
    path = tmp_path / "weights.pth"
    write(path)
    with pytest.raises(CheckpointError, match=words):
        load_torch_file(path)


def test_a_newer_pickle_inside_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(STATE, path, pickle_protocol=4)
    with pytest.raises(CheckpointError, match=r"written with pickle protocol 4, but only torch.save's own \(2\)"):
        load_torch_file(path)


def test_calls_by_names_that_are_put_together_are_found(tmp_path: Path) -> None:
    """Protocol 4 names a function by two texts; these may be remembered and fetched again."""
    data = pickle.dumps([Shouts(), Shouts()], protocol=4)
    assert any(opcode.name == "STACK_GLOBAL" for opcode, _, _ in pickletools.genops(io.BytesIO(data)))
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"builtins\.print"):
        load_torch_file(path)


def test_safetensors_are_none(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    header = b'{"a": {}}'
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    assert not is_torch_file(path)
    path.write_bytes(struct.pack("<Q", 0x80) + b"{" + bytes(127))  # a header of 128 bytes begins as a pickle does
    assert not is_torch_file(path)
    path.write_bytes(pickle.dumps([1], protocol=2))
    assert is_torch_file(path)
