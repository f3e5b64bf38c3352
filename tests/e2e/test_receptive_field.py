"""``segdepth receptive-field`` as a user types it."""

import json
import re
from pathlib import Path

import pytest
import torch

from segdepth.cli import main
from segdepth.drawing import write_png
from segdepth.networks import save_network
from segdepth.tasks import create_network


@pytest.mark.slow
def test_networks_and_checkpoints_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    net = create_network("segnet", "depth", width=0.125)
    net.card = net.card.model_copy(update={"input_size": (48, 96)})
    save_network(net, tmp_path / "depth.safetensors")
    picture = torch.randint(0, 256, (40, 60, 3), dtype=torch.uint8).numpy()
    write_png(tmp_path / "street.png", picture)
    size = ["--height", "48", "--width", "96", "--device", "cpu"]
    command = ["receptive-field", "--arch", "dispnet", "--checkpoint", str(tmp_path / "depth.safetensors"), *size]
    assert main([*command, "--samples", "2", "--json", "--out", str(tmp_path / "out")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out/fields.json").read_text())
    random, trained = printed["networks"]
    assert (random["network"], trained["network"]) == ("dispnet seg (random weights)", "segnet depth")
    assert trained["pixel"] == [24, 48]
    assert 0 < trained["radius_holding"]["0.5"] < trained["radius_holding"]["0.95"]
    assert trained["theoretical"]["whole"] == [404, 404]
    page = (tmp_path / "out/index.html").read_text()
    assert not re.search(r"(src|href)=[\"'](?!data:)", page), "self-contained"
    assert {"segnet_depth.png", "segnet_depth.svg"} <= {path.name for path in (tmp_path / "out").iterdir()}

    assert (
        main([*command[:1], *command[3:], "--pictures", str(tmp_path), "--layers", "--out", str(tmp_path / "o")]) == 0
    )
    assert "max unpooling 2x2" in capsys.readouterr().out


def test_mistakes_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        ([], "name a network"),
        (["--arch", "segnt"], "did you mean 'segnet'"),
        (["--arch", "segnet", "--pixel", "300", "4"], "pixel (300, 4) is outside the 256x832 picture"),
        (["--arch", "segnet", "--pictures", str(tmp_path)], "holds no picture"),
        (["--arch", "segnet", "--pictures", str(tmp_path / "no.png")], "cannot read the picture"),
        (["--arch", "segnet", "--height", "8"], "at least 32x32"),
        (["--checkpoint", str(tmp_path / "no")], "no"),
    ):
        assert main(["receptive-field", *arguments, "--out", str(tmp_path / "out"), "--device", "cpu"]) == 2, arguments
        printed = capsys.readouterr().err
        assert said in " ".join(printed.split()), printed
        assert "Traceback" not in printed
