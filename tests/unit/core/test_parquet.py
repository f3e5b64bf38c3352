"""Tables: what is written is read, and what is damaged is named."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segdepth.core.errors import DataError
from segdepth.core.parquet import read_parquet, write_parquet

TABLE = pa.table({"row": np.arange(400, dtype=np.int16), "score": np.random.default_rng(0).random(400, np.float32)})


def test_a_table_and_its_words(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", TABLE, {"name": "é"})
    table, words = read_parquet(tmp_path / "a.parquet", "a part")
    assert words == {"name": "é"}
    assert table.equals(TABLE)


def test_a_bit_that_changes_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    write_parquet(file, TABLE, {})
    whole = file.read_bytes()
    start, end = whole.find(b"\x28\xb5\x2f\xfd"), len(whole) // 2  # packed numbers
    for place in range(start, end, 97):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"a\.parquet"):
            read_parquet(file, "a part")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_what_is_cut_off_is_named(tmp_path: Path, share: float) -> None:
    write_parquet(tmp_path / "a.parquet", TABLE, {})
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match=r"a\.parquet.* not a part"):
        read_parquet(tmp_path / "a.parquet", "a part")


def test_what_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"zeros": np.zeros(2**24)}), tmp_path / "a.parquet", use_dictionary=False, compression="zstd"
    )
    assert (tmp_path / "a.parquet").stat().st_size < 2**17
    with pytest.raises(DataError, match="says that it takes 13"):
        read_parquet(tmp_path / "a.parquet", "a part")


def test_a_colon_in_a_relative_path_makes_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("study:1/a.parquet")
    write_parquet(path, TABLE, {})
    assert read_parquet(path, "a part")[0].equals(TABLE)
