"""The guide to one's own network: every block of it is run, in its order, with fewer updates and pictures."""

import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from segdepth.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDE = REPOSITORY / "docs" / "your-network.md"

#: What the guide says, and what is run.
SMALLER = {
    "train_iters: 400": "train_iters: 2",
    "train_iters=20": "train_iters=2",
    "val_interval: 200": "val_interval: 2",
    "num_images: 200": "num_images: 4",
    "--num-image 20": "--num-image 2",
    "--sample-rate 16": "--sample-rate 8",
    "img_rows: 96, img_cols: 320, height: 96, width: 320": "img_rows: 64, img_cols: 96, height: 64, width: 96",
    "--pixel 60 160": "--pixel 30 40",
    "--height 96 --width 320": "--height 64 --width 96",
}


def blocks() -> list[tuple[str, str]]:
    """Language and text of each."""
    text = GUIDE.read_text()
    for said, run in SMALLER.items():
        assert said in text, f"the guide does not say {said!r} any more"
        text = text.replace(said, run)
    return re.findall(r"```(\w+)\n(.*?)```", text, re.S)


@pytest.mark.slow
def test_every_block_of_the_guide_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames_drawn_once: None, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mynet", raising=False)
    names: dict[str, Any] = {}
    for language, text in blocks():
        file = re.match(r"# (\S+\.(?:py|yml))\n", text)
        if file:
            Path(file[1]).write_text(text)
        elif language == "python":
            exec(compile(text, "guide", "exec"), names)
        else:
            for line in text.replace("\\\n", " ").strip().splitlines():
                run(line, capsys)
    page = capsys.readouterr().out
    assert Path("saliency_analysis/index.html").is_file(), page
    assert names["metres"].shape == (64, 96)
    monkeypatch.delitem(sys.modules, "mynet", raising=False)


def run(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of a shell block: our command, or an installation, of which the extras are checked."""
    program, *words = shlex.split(line, comments=True)
    if program == "pip":
        known = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert set(re.findall(r"\[(\w+)\]", line)) <= known.keys()
        return
    assert program == "segdepth"
    device = ["--device", "cpu"] if words[0] in {"train", "evaluate", "saliency", "receptive-field"} else []
    assert main([*words, *device]) == 0, f"{line}\n{capsys.readouterr().err}"
