"""`segdepth explore` itself, with real networks, in a real browser: what the page shows is what Python computes."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="the extra explore is not installed")

from playwright.sync_api import expect

from explorer.browsing import PATIENCE, Visit
from segdepth.drawing import write_png
from segdepth.networks import Classes, Network, load_network, save_network
from segdepth.saliency import Explainer
from segdepth.tasks import create_network

SIZE = (48, 96)
CLASSES = ("road", "car", "sky")
PLACE = (30, 41)

#: Tasks of two networks; each network is a process that imports PyTorch.
BOTH = ("seg", "depth")


class Running(NamedTuple):
    """The command as it serves.

    Attributes:
        address: that it printed.
        process: its own.
        networks: that it serves, on disk, by the name that the page has for each.
        picture: that it was given.
    """

    address: str
    process: subprocess.Popen[str]
    networks: dict[str, Path]
    picture: np.ndarray


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("explore")
    picture = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    write_png(folder / "street.png", picture)
    networks = {f"n{number}": _saved(task, folder) for number, task in enumerate(request.param)}
    named = [word for path in networks.values() for word in ("--checkpoint", str(path))]
    process = subprocess.Popen(
        [sys.executable, "-m", "segdepth", "explore", *named, str(folder / "street.png")],
        cwd=folder, stdout=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    yield Running(process.stdout.readline().strip(), process, networks, picture)
    process.send_signal(signal.SIGINT)
    with process:
        assert process.wait(30) == 130


def _saved(task: str, folder: Path) -> Path:
    torch.manual_seed(0)
    net = create_network("segnet", task, width=0.125, **({"num_classes": 3} if task == "seg" else {})).eval()
    named = Classes.named(CLASSES) if net.output.answers.names_classes else None
    net.card = net.card.model_copy(update={"input_size": SIZE, "classes": named})
    path = folder / f"{task}.safetensors"
    save_network(net, path)
    return path


@pytest.fixture
def real(running: Running, opened: Callable[..., Any]) -> Visit:
    """Both networks' first maps are there."""
    found: Visit = opened(running.address)
    for name in running.networks:
        expect(found.panel(f"map {name}")).to_have_attribute("aria-busy", "false", timeout=8 * PATIENCE)
    return found


def python_map(net: Network, picture: np.ndarray, place: tuple[int, int]) -> np.ndarray:
    x = net.preprocessing(torch.from_numpy(picture).permute(2, 0, 1)[None])[0]
    found: np.ndarray = Explainer(net).at(x).maps([place])[0].numpy()
    return found


@pytest.mark.parametrize("running", [("seg",), pytest.param(BOTH, marks=pytest.mark.slow)], indirect=True, ids=len)
def test_maps_and_values_are_those_of_python(real: Visit, running: Running) -> None:
    real.point("picture", *PLACE, SIZE)
    for name, path in running.networks.items():
        real.settled(f"map {name}")
        net = load_network(path)
        wanted = python_map(net, running.picture, PLACE)
        np.testing.assert_allclose(real.array(f"map {name}"), wanted, rtol=0, atol=1e-5 * wanted.max())
    real.point("picture", *PLACE, SIZE)
    real.settled(f"map {name}")
    assert real.value("picture") == "RGB " + " ".join(map(str, running.picture[PLACE]))
    answers = [load_network(path).predict(running.picture)[PLACE] for path in running.networks.values()]
    assert real.value("answer n0").startswith(f"{CLASSES[answers[0]]} · logit ")
    if len(answers) > 1:
        assert real.value("answer n1") == f"{answers[1]:.2f} m"


@pytest.mark.slow
@pytest.mark.parametrize("running", [BOTH], indirect=True)
def test_fields_masks_and_code_come_from_the_real_server(real: Visit) -> None:
    real.point("picture", *PLACE, SIZE)
    real.settled("map n0")
    with real.page.expect_response(re.compile("api/fields.*network=n0")) as waiting:
        real.open_part("Receptive field").get_by_text("Theoretical, a box").click()
    assert len(waiting.value.json()["theoretical"]) == 4
    with real.page.expect_response(re.compile("api/masked")) as waiting:
        real.open_part("Mask").get_by_role("button", name="Delete").click()
    assert waiting.value.json()["picture"]["kind"] == "masked"
    expect(real.panel("map n0")).to_have_attribute("aria-busy", "false", timeout=4 * PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize("running", [BOTH], indirect=True)
def test_a_worker_that_dies_is_told_and_works_again(real: Visit, running: Running) -> None:
    real.problems_are_expected("503", "500")
    children = subprocess.run(
        ["pgrep", "-f", "spawn_main", "-P", str(running.process.pid)], capture_output=True, text=True
    )
    workers = [int(number) for number in children.stdout.split()]
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    real.point("picture", 12, 70, SIZE)
    real.page.wait_for_timeout(500)  # the pointer rests: the next question is another one
    real.point("picture", 13, 71, SIZE)
    expect(real.panel("map n0")).to_have_attribute("aria-busy", "false", timeout=8 * PATIENCE)
    real.point("picture", 13, 72, SIZE)
    real.settled("map n0")
    wanted = python_map(load_network(running.networks["n0"]), running.picture, (13, 72))
    np.testing.assert_allclose(real.array("map n0"), wanted, rtol=0, atol=1e-5 * wanted.max())
