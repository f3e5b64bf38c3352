"""What the tests share: seeds, the small data sets and conformance files, and a skip that names what is missing."""

import os
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: see segdepth.cli
os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest's workers run beside each other
os.environ["TERM"] = "xterm"  # what is printed does not depend on whose terminal the tests run in
os.environ.pop("FORCE_COLOR", None)
os.environ.pop("NO_COLOR", None)
os.environ.pop("TTY_COMPATIBLE", None)
os.environ.pop("TTY_INTERACTIVE", None)
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)

import jaxtyping
import pytest
import torch
from hypothesis import settings

from shapes import spare_others

jaxtyping.jaxtyped = spare_others(jaxtyping.jaxtyped)  # before the first module of segdepth is imported

# What the tests draw is the same every time; `make test-slow` draws by luck, and says how to draw it again.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("luck", derandomize=False, deadline=None, print_blob=True)  # also where CI is set
settings.load_profile("fixed")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.hookimpl(tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> None:
    """What a module of tests draws while it is imported does not depend on luck, or on what was imported before."""
    del collector
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _one_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def _draw() -> Callable[..., object]:
    """Draws what a camera sees of a street, once in a test process."""
    from segdepth.data.synthetic import make_street  # here, so that it comes after the shape checker's import hook

    return cache(lambda seed, index, split, camera: make_street(seed, index, split).render(camera))


@pytest.fixture
def frames_drawn_once(_draw: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that look at pictures again and again, of a make-believe world that is tested elsewhere."""

    def street(*which: object) -> SimpleNamespace:
        return SimpleNamespace(render=lambda camera: deepcopy(_draw(*which, camera)))

    monkeypatch.setattr("segdepth.data.synthetic.dataset.make_street", street)


@pytest.fixture
def without_first_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that fill whole networks: drawing the weights at birth takes longer than much of what they do."""
    for name in ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "normal_", "uniform_"):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)


@pytest.fixture(scope="session")
def shared_data() -> "object":
    """``shared_data("camvid")`` is that data set's folder; the test is skipped, by name, where it is missing."""

    def folder(name: str) -> Path:
        path = SHARED / "data" / name
        if not path.exists():
            pytest.skip(f"needs the small real data set shared/data/{name} beside the checkout")
        return path

    return folder


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of golden files; the test is skipped, by name, where it is missing."""
    path = SHARED / "conformance"
    if not path.exists():
        pytest.skip("needs the golden files shared/conformance beside the checkout")
    return path


def _module(folder: Path, name: str) -> ModuleType:
    sys.path.insert(0, str(folder))
    try:
        return __import__(name)
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def conformance_inputs(conformance: Path) -> ModuleType:
    """The module that makes the golden files' inputs."""
    return _module(conformance, "inputs")


@pytest.fixture(scope="session")
def conformance_weights(conformance: Path) -> ModuleType:
    """The module that makes the golden files' weights and pictures."""
    return _module(conformance, "weights")
