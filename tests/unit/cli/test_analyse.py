"""What ``segdepth analyse`` prints."""

from pathlib import Path

import pytest

from made_studies import write_study
from segdepth.cli import main
from segdepth.report import analysis_page


def test_two_networks_and_one_by_itself_are_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(analysis_page, "draw_histograms", lambda *_, **__: {"png": b"", "svg": b""})
    write_study(tmp_path / "both/fcn_seg", "seg", 0.0)
    write_study(tmp_path / "both/fcn_depth", "depth", 0.1)
    assert main(["analyse", str(tmp_path / "both"), "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "fcn"
    assert lines[2].split() == ["seg", "depth", "effect", "p", "(Holm)", "ref.", "count"]
    assert lines[3].startswith("activation distance at 0.1  ")
    write_study(tmp_path / "one/fcn_seg", "seg", 0.0)
    write_study(tmp_path / "one/random", "seg", 0.4, model="random")
    assert main(["analyse", str(tmp_path / "one"), "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["mean", "95", "%", "interval", "random"]
    assert " .. " in lines[3]
