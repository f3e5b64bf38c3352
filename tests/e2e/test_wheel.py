"""What a stranger installs: the wheel, in an environment of its own; the demonstration and the notebooks there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((REPOSITORY / "docs/notebooks").glob("*.ipynb"))
CONSTRAINTS = ["-c", str(REPOSITORY / "constraints.txt")]
#: What brings torchvision, and so another torch: tried by `make test-outside`.
OUTSIDE = {"smp", "timm", "torchvision"}


def run(*words: str | Path, cwd: Path) -> str:
    """What a command printed; it must go well. Nothing of the checkout is on its path."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))
    }
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, as a release is."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, REPOSITORY, cwd=folder)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    assert sdist.stat().st_size < 10e6
    assert wheel.stat().st_size < 3e6
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's programs."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    pip = [
        folder / "bin/python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "-q",
        "--no-compile",
        *CONSTRAINTS,
    ]
    run(*pip, wheel, cwd=folder.parent)
    run(*pip, "nbclient", "ipykernel", cwd=folder.parent)
    return folder / "bin"


def test_the_wheel_shows_everything(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "segdepth", "demo", "--quick", "--out", "demo", cwd=tmp_path)
    assert "mIoU" in said
    page = (tmp_path / "demo/index.html").read_text()
    assert "explorer" in page
    assert run(installed / "segdepth", "config", "check", "segnet_synthetic_depth", cwd=tmp_path).startswith(
        "segnet_synthetic_depth: good"
    )
    assert "extra onnx" in run(installed / "segdepth", "doctor", cwd=tmp_path)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, installed: Path, tmp_path: Path) -> None:
    shutil.copy(notebook, tmp_path)
    script = (
        "import nbformat, nbclient, sys;"
        "book = nbformat.read(sys.argv[1], 4); nbclient.NotebookClient(book, timeout=600).execute();"
        "nbformat.write(book, sys.argv[1])"
    )
    run(installed / "python", "-c", script, notebook.name, cwd=tmp_path)
    book, kept = (nbformat.read(path, 4) for path in (tmp_path / notebook.name, notebook))
    figures = [
        sum("image/png" in out.get("data", {}) for cell in one.cells for out in cell.get("outputs", ()))
        for one in (book, kept)
    ]
    assert figures[0] == figures[1] > 0, "kept figures are not those that it draws: make notebooks"


def test_every_extra_resolves(wheel: Path, tmp_path: Path) -> None:
    from importlib import metadata

    extras = ",".join(sorted(set(metadata.metadata("segdepth").get_all("Provides-Extra")) - OUTSIDE))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--dry-run", *CONSTRAINTS]
    run(*pip, f"segdepth[{extras}] @ {wheel.as_uri()}", cwd=tmp_path)
