"""Exported graphs answer as the network does, at sizes that they were not traced with."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

from segdepth.core.errors import InputError, SegdepthError
from segdepth.networks import ALIASES, NETWORKS, Network
from segdepth.networks.export import export_onnx, export_torch
from segdepth.tasks import TASKS, create_network

VARIANTS = {alias: name for alias, (name, options) in ALIASES.items() if options}
ARCHS = sorted((NETWORKS.keys() | VARIANTS) - set(VARIANTS.values()))
SIZES = [(1, 33, 33), (2, 65, 130), (1, 64, 96)]
TOLERANCE = 1e-4  # of the largest answer, in float32


@pytest.fixture(autouse=True)
def _symbolic_sizes() -> Iterator[None]:
    """A tracer's rows and columns are symbols, which the enforced annotations (``Sequence[int]``) do not know."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def make(arch: str, task: str, **options: object) -> Network:
    net = create_network(arch, task, num_classes=5, width=0.125, **options).train()  # type: ignore[arg-type]
    with torch.no_grad():
        net(torch.randn(4, 3, 64, 64))  # running statistics, so that no map of an eval network is nearly constant
    return net.eval()


def pictures(batch: int, height: int, width: int) -> torch.Tensor:
    return torch.randint(0, 256, (batch, 3, height, width), dtype=torch.uint8)


def assert_alike(got: np.ndarray, net: Network, image: torch.Tensor) -> None:
    with torch.no_grad():
        want = net(net.preprocessing(image)).numpy()
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max())


def check_onnx(net: Network, path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra segdepth[onnx]")
    assert export_onnx(net, path) < TOLERANCE
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [(i.name, i.shape) for i in session.get_inputs()] == [("image", ["batch", 3, "height", "width"])]
    assert session.get_outputs()[0].shape[0] == "batch"
    assert [o.name for o in session.get_outputs()] == [net.output.name]
    card = json.loads(session.get_modelmeta().custom_metadata_map["segdepth"])
    assert card == net.card.model_dump(mode="json")
    for size in SIZES:
        image = pictures(*size)
        assert_alike(session.run(None, {"image": image.numpy()})[0], net, image)


def check_torch(net: Network, path: Path) -> None:
    assert export_torch(net, path) < TOLERANCE
    card = {"card.json": ""}
    program = torch.export.load(path, extra_files=card).module()
    assert json.loads(card["card.json"]) == net.card.model_dump(mode="json")
    for size in SIZES:
        image = pictures(*size)
        assert_alike(program(image).detach().numpy(), net, image)


#: Each task and each form by turns.
FORMS = [(arch, *(("depth", True), ("seg", False))[n % 2]) for n, arch in enumerate(ARCHS)]


@pytest.mark.parametrize("task", [pytest.param("seg", marks=pytest.mark.slow), "depth"])
def test_unpooling_goes_to_onnx(task: str, tmp_path: Path) -> None:
    check_onnx(make("segnet", task), tmp_path / "segnet.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(("arch", "task", "legacy"), FORMS)
def test_onnx_runtime_answers_alike(arch: str, task: str, legacy: bool, tmp_path: Path) -> None:
    check_onnx(make(arch, task, legacy=legacy), tmp_path / "net.onnx")


def test_padding_goes_to_torch_export(tmp_path: Path) -> None:
    check_torch(make("fcn8s", "depth"), tmp_path / "fcn.pt2")


@pytest.mark.slow
# PyTorch takes five minutes to read DispNet's program with free sizes
@pytest.mark.parametrize(("arch", "task", "legacy"), [form for form in FORMS if form[0] != "dispnet"])
def test_the_exported_program_answers_alike(arch: str, task: str, legacy: bool, tmp_path: Path) -> None:
    check_torch(make(arch, task, legacy=legacy), tmp_path / "net.pt2")


def test_a_size_can_be_fixed(tmp_path: Path) -> None:
    net = make("segnet", "seg")
    assert export_torch(net, tmp_path / "net.pt2", size=(64, 96)) < TOLERANCE
    program = torch.export.load(tmp_path / "net.pt2").module()
    image = pictures(1, 64, 96)
    assert_alike(program(image).detach().numpy(), net, image)
    with pytest.raises(Exception, match=r"size\(\)\[3\] == 96"):
        program(pictures(1, 64, 97))


def test_a_graph_that_answers_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdepth.networks.export._TOLERANCE", -1.0)
    with pytest.raises(SegdepthError, match="answers a 32x64 picture otherwise"):
        export_torch(make("segnet", "seg"), tmp_path / "net.pt2", size=(32, 64))
    assert not list(tmp_path.iterdir())


def test_the_network_is_left_as_it_was(tmp_path: Path) -> None:
    net = create_network("segnet", "seg", width=0.125).train()
    export_torch(net, tmp_path / "net.pt2", size=(32, 32))
    assert net.training
    assert net.encoder[0][0].weight.is_contiguous(memory_format=torch.channels_last)  # type: ignore[index, union-attr]


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"'onnxruntime': pip install 'segdepth\[onnx\]'"):
        export_onnx(make("segnet", "seg"), tmp_path / "net.onnx")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler (g++)")
@pytest.mark.parametrize(("arch", "task"), [(arch, sorted(TASKS)[n % len(TASKS)]) for n, arch in enumerate(ARCHS)])
def test_compiled_networks_answer_alike(arch: str, task: str) -> None:
    net = make(arch, task)
    compiled = torch.compile(net)
    for size in SIZES[1:]:
        image = pictures(*size)
        with torch.no_grad():
            assert_alike(compiled(net.preprocessing(image)).numpy(), net, image)
