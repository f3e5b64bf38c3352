"""A checkpoint that is broken, damaged or missing is refused with its reason; ``auto`` finds the newest whole one."""

import shutil
from pathlib import Path

import pytest

from segdepth.core.errors import CheckpointError
from segdepth.training import train

from .tiny import scalars, tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", b"\x80\x04\x95cos\nsystem\n."])
def test_a_broken_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "00000003.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"training\.resume: .*00000003\.pt"):
        train(tiny(resume=str(tmp_path)), name="x", root=tmp_path / "runs", accelerator="cpu")


def test_a_missing_checkpoint_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        train(tiny(resume=str(tmp_path / "nowhere")), name="x", root=tmp_path / "runs", accelerator="cpu")
    assert not (tmp_path / "runs").exists()


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_checkpoint_is_refused_and_the_one_before_is_offered(tmp_path: Path) -> None:
    whole = train(tiny(checkpoint_interval=2), name="whole", root=tmp_path, accelerator="cpu")
    files = sorted((whole.folder / "checkpoints").iterdir())
    assert [file.stem for file in files] == ["00000004", "00000006"], "the last two stay"
    flip_a_bit(files[1])
    with pytest.raises(CheckpointError, match=r"damaged: .*training\.resume=.*00000004\.pt"):
        train(tiny(resume=str(whole.folder)), name="whole", root=tmp_path, accelerator="cpu")
    before = scalars(whole.folder)
    again = train(tiny(resume="auto", checkpoint_interval=2), name="whole", root=tmp_path, accelerator="cpu")
    assert again.folder == whole.folder, "auto passes over the damaged one"
    assert scalars(again.folder) == before


def test_resume_auto_begins_where_there_is_nothing(tmp_path: Path) -> None:
    first = train(tiny(resume="auto", train_iters=2), name="x", root=tmp_path, accelerator="cpu")
    second = train(tiny(resume="auto"), name="x", root=tmp_path, accelerator="cpu")
    assert first.folder == second.folder
    whole = train(tiny(), name="whole", root=tmp_path, accelerator="cpu")
    # the first run validated at its own end as well
    assert [line for line in scalars(second.folder) if line["step"] != 2] == [
        line for line in scalars(whole.folder) if line["step"] != 2
    ]


def test_resume_auto_does_not_fall_back_to_the_run_before(tmp_path: Path) -> None:
    first = train(tiny(train_iters=2), name="run", root=tmp_path, accelerator="cpu").folder
    second = first.with_name(first.name + "-later")
    second.mkdir()
    shutil.copy(first / "config.yaml", second)
    third = train(tiny(train_iters=2, resume="auto"), name="run", root=tmp_path, accelerator="cpu").folder
    assert third not in (first, second)
