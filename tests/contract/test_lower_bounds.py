"""What `make test-oldest` installs is what pyproject.toml says is enough."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Extras that are installed with it.
EXTRAS = ("onnx", "explore", "widget")


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in EXTRAS for one in project["optional-dependencies"][extra])]
    bounds = dict(re.match(r"([\w.-]+)>=([\d.]+)", one).groups() for one in wanted)
    lines = (ROOT / "constraints-oldest.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pinned == bounds
