"""Weights without a card: where they are found. What they may hold is asked in test_checkpoint.py."""

from pathlib import Path

import pytest

from segdepth.core.errors import CheckpointError
from segdepth.networks.state_files import find_weights_file


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that ships a file of weights, and no code that could be imported."""
    info = tmp_path / "some_weights-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n")
    (info / "RECORD").write_text("some_weights/lite.pth,,\nsome_weights/__init__.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return info


def test_a_path_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "weights").touch()
    assert find_weights_file(tmp_path / "weights") == tmp_path / "weights"
    assert find_weights_file("somewhere/weights.pth") == Path("somewhere/weights.pth")
    assert find_weights_file("weights.pth") == Path("weights.pth")


def test_a_package_s_file_is_found_without_its_code(package: Path) -> None:
    assert find_weights_file("some-weights") == package.parent / "some_weights" / "lite.pth"


def test_what_no_package_ships_is_told(package: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file 'sum-weights', and no installed package"):
        find_weights_file("sum-weights")
    (package / "RECORD").write_text("some_weights/__init__.py,,\n")
    with pytest.raises(CheckpointError, match=r"should ship one file of weights .* and has none"):
        find_weights_file("some-weights")
    (package / "RECORD").write_text("some_weights/a.pth,,\nsome_weights/b.safetensors,,\n")
    with pytest.raises(CheckpointError, match=r"has 2 \(a.pth, b.safetensors\); give the path of one"):
        find_weights_file("some-weights")
