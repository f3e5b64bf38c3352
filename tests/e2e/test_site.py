"""The site: built without a warning, so every inner link leads somewhere; every public name is in it."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = REPOSITORY / "docs/reference/python"


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", tmp_path / "trees", "docs",
         tmp_path / "site"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for page in PAGES.glob("*.md"):
        module = import_module("segdepth" if page.stem == "segdepth" else f"segdepth.{page.stem}")
        html = (tmp_path / "site/reference/python" / f"{page.stem}.html").read_text()
        assert not [
            name
            for name in module.__all__
            if f'id="{module.__name__}.{name}"' not in html and f'id="module-{module.__name__}.{name}"' not in html
        ]
    front = (tmp_path / "site/index.html").read_text()
    for guide in (
        "start",
        "training",
        "data",
        "evaluating",
        "saliency",
        "studying",
        "explorer",
        "your-network",
        "clusters",
    ):
        assert f'href="{guide}.html"' in front
    assert (tmp_path / "site/searchindex.js").stat().st_size > 100_000  # the search needs no server
