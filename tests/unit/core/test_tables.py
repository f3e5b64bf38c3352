"""Tables whose entries are imported when they are picked."""

import subprocess
import sys

import pytest

from segdepth.core.errors import ConfigError
from segdepth.core.tables import LazyTable, pick

TABLE: LazyTable[type] = LazyTable({"pair": "fractions:Fraction", "missing": "no_such_module:Nothing"})


def test_only_what_is_picked_is_imported() -> None:
    assert list(TABLE) == ["pair", "missing"]
    assert len(TABLE) == 2
    assert "missing" in TABLE
    assert pick(TABLE, "pair", kind="number")(1, 2) == 0.5
    with pytest.raises(
        ConfigError, match=r"no number named 'pairs' \(there are: missing, pair\); did you mean 'pair'\?"
    ):
        pick(TABLE, "pairs", kind="number")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        TABLE["missing"]


def test_that_of_networks_is_such_a_table() -> None:
    code = """
import sys
import segdepth.networks
papers = {f"segdepth.networks.{name}" for name in ("fcn", "frrn", "segnet", "deeplab", "dispnet", "fcrn")}
assert "fcrn" in segdepth.networks.NETWORKS
assert not papers & set(sys.modules)
assert segdepth.networks.NETWORKS["fcrn"] is segdepth.networks.FCRN
assert papers & set(sys.modules) == {"segdepth.networks.fcrn"}
"""
    subprocess.run([sys.executable, "-c", code], check=True)
