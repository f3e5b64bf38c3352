"""A result says where it comes from."""

import json
from pathlib import Path

from segdepth.core.provenance import git_revision, provenance


def test_is_plain_data_with_versions_and_seed() -> None:
    found = json.loads(json.dumps(provenance(seed=3)))
    assert found["seed"] == 3
    assert {"segdepth", "torch", "numpy"} <= found["versions"].keys()


def test_outside_a_checkout_there_is_no_revision(tmp_path: Path) -> None:
    assert git_revision(tmp_path) is None
