"""What `segdepth explore` takes, and what it says of mistakes."""

import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from segdepth.cli import explore as module
from segdepth.cli import main
from segdepth.cli.options import NetworkOptions
from segdepth.core.errors import InputError
from segdepth.drawing import write_png
from segdepth.networks import save_network
from unit.explorer.streets import tiny


@pytest.fixture
def street(tmp_path: Path) -> str:
    path = tmp_path / "street.png"
    write_png(path, np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8))
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explore", *arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_five_networks_are_too_many(capsys: pytest.CaptureFixture[str], street: str) -> None:
    assert "one to 4 networks, not 5" in said(capsys, street, *["--checkpoint", "runs/x"] * 5)


def test_pictures_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "no file" in said(capsys, str(tmp_path / "nothing.png"), "--checkpoint", "runs/x")
    (tmp_path / "broken.png").write_bytes(b"x")
    assert "no picture" in said(capsys, str(tmp_path / "broken.png"), "--checkpoint", "runs/x")
    (tmp_path / "empty").mkdir()
    assert "no picture" in said(capsys, str(tmp_path / "empty"), "--checkpoint", "runs/x")


def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], street: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("segdepth.explorer.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'segdepth[explore]'" in said(capsys, street, "--checkpoint", "runs/x")


def test_what_is_no_network_is_one_sentence(capsys: pytest.CaptureFixture[str], street: str, tmp_path: Path) -> None:
    assert str(tmp_path / "nothing") in said(capsys, street, "--checkpoint", str(tmp_path / "nothing"))


def test_a_port_that_is_taken_is_one_sentence(capsys: pytest.CaptureFixture[str], street: str) -> None:
    from segdepth.explorer.server import listen

    with listen("127.0.0.1", None) as taken:
        words = said(capsys, street, "--checkpoint", "runs/x", "--port", str(taken.getsockname()[1]))
    assert "cannot serve at" in words


@pytest.mark.parametrize("name", ["hub.example.org:443", "https://hub.example.org", "*", ""])
def test_an_address_is_no_name_of_a_host(capsys: pytest.CaptureFixture[str], street: str, name: str) -> None:
    assert "without scheme and port" in said(capsys, street, "--checkpoint", "runs/x", "--allow-host", name)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.1", "localhost", "127.0.0.2"])
def test_the_printed_address_is_answered(
    capsys: pytest.CaptureFixture[str], street: str, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    found: list[Any] = []
    monkeypatch.setattr(module, "_served", lambda *_: [])
    monkeypatch.setattr("segdepth.explorer.server.listen", lambda *_: socket.create_server(("127.0.0.1", 0)))
    monkeypatch.setattr("segdepth.explorer.server.serve", lambda _, safety, __, ready: [found.append(safety), ready()])
    assert main(["explore", street, "--checkpoint", "runs/x", "--host", host]) == 0
    address = urlsplit(capsys.readouterr().out.strip())
    assert found[0].refusal({"host": address.netloc}) is None


def test_sizes_are_those_of_networks_that_take_any(tmp_path: Path) -> None:
    trained, any_size = tmp_path / "trained.safetensors", tmp_path / "any.safetensors"
    save_network(tiny("seg"), trained)
    save_network(tiny("depth", None), any_size)
    said = NetworkOptions(height=64, width=96)
    of_each = module._of_each([str(trained), str(any_size)], said)
    assert [(own.height, own.width) for _, own in of_each] == [(None, None), (64, 96)]
    assert [own for _, own in module._of_each([str(trained)] * 2, said)] == [said, said], (
        "refused where they are loaded: both have another one"
    )
    assert module._load(*of_each[1]).card.input_size == (64, 96)
    with pytest.raises(InputError, match="give both --height and --width"):
        module._load(str(any_size), NetworkOptions(height=64))


def test_without_a_network_the_demonstration_s_are_taken(
    capsys: pytest.CaptureFixture[str], street: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from segdepth.campaigns.demo.run import Finished

    asked: list[Any] = []
    finished = Finished([tmp_path / "seg", tmp_path / "depth"], "cityscapes", tmp_path)
    monkeypatch.setattr("segdepth.campaigns.demo.run.finished_demo", lambda root: asked.append(root) or finished)
    monkeypatch.setattr(module, "_served", lambda named, _: pytest.fail(str(named)) if len(named) != 2 else [])
    monkeypatch.setattr("segdepth.explorer.server.serve", lambda explorer, safety, listening, ready: ready())
    assert main(["explore", street, "--allow-host", "hub.example.org"]) == 0
    assert asked == [Path("runs/demo")]
    address = capsys.readouterr().out.strip()
    assert address.startswith("http://127.0.0.1:86")
    assert "/?token=" in address
