"""A folder holds the answers to one question."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segdepth.core.errors import ConfigError, DataError
from segdepth.data import Dataset
from segdepth.studies.grid import TargetGrid
from segdepth.studies.saliency_eval import EvalStudy
from segdepth.studies.store import Store, StudyInfo, StudyTable, _require_same, find_stores, load_study

from .tiny import SIZE, store_of, tiny


def test_a_folder_answers_one_question(experiment: EvalStudy, streets: Dataset, tmp_path: Path) -> None:
    other = EvalStudy(tiny("seg", seed=1), experiment.grid)
    late = store_of(other, streets, tmp_path)
    assert not list(tmp_path.iterdir()), "looking writes nothing"
    store_of(experiment, streets, tmp_path).begin(dict)
    with pytest.raises(ConfigError, match=r"protocol\.sources"):
        store_of(other, streets, tmp_path)
    with pytest.raises(ConfigError, match=r"protocol\.sources"):
        late.begin(dict)
    with pytest.raises(ConfigError, match="sample_rate"):
        store_of(EvalStudy(experiment.sources[0], TargetGrid(SIZE, 13)), streets, tmp_path)


def test_what_differs_is_said_however_deep_it_stands() -> None:
    there = {"sources": [{"card": {"arch": "fcn8s"}, "engine": "windowed"}], "grid": 4}
    asked = {"sources": [{"card": {"arch": "fcn8s"}, "engine": "sparse"}], "grid": 4}
    said = 'another sources.0.engine ."windowed", not "sparse".'
    with pytest.raises(ConfigError, match=said):
        _require_same(Path("study"), there, asked)


def info(count: int = 3, **values: Any) -> StudyInfo:
    usual: dict[str, Any] = {
        "kind": "eval",
        "network": "segnet",
        "task": "seg",
        "model": "trained",
        "columns": ("activation_ratio_0.5", "peak_distance"),
        "protocol": {"thresholds": [0.5], "sources": [{"engine": "auto"}]},
        "images": tuple(f"street/{k}" for k in range(count)),
    }
    return StudyInfo(**usual | values)


def described(**values: Any) -> dict[str, Any]:
    """A description on disk, of which some is something else."""
    return json.loads(json.dumps(asdict(info()))) | values


def filled(folder: Path, images: int = 3, written: Iterable[int] = range(3)) -> Store:
    store = Store(folder, info(images))
    store.begin(lambda: {"engines": ["auto"]})
    for k in written:
        places, values = np.arange(k + 1, dtype=np.int16), np.linspace(0, 1, k + 1, dtype=np.float32)
        rows = {"row": places, "col": places, "activation_ratio_0.5": values, "peak_distance": values}
        store.write(k, rows, np.full((4, 5, 3), k, np.uint8))
    return store


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    filled(tmp_path, written=(2, 0, 1))
    table = load_study(tmp_path)
    assert table.info == info(arithmetic={"engines": ["auto"]}, provenance=table.info.provenance)
    assert table.rows["image"].tolist() == [0, 1, 1, 2, 2, 2]
    assert table.rows["row"].tolist() == [0, 0, 1, 0, 1, 2]
    assert table.rows["peak_distance"].dtype == np.float32
    assert [column.name for column in table.columns] == ["activation_ratio_0.5", "peak_distance"]
    assert [column.threshold for column in table.columns] == [0.5, None]
    for k, name in enumerate(table.info.images):
        assert table.digests[name] == hashlib.sha256(bytes([k]) * 60).hexdigest()
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"part-0000{k}.parquet" for k in range(3)] + [
        "study.json"
    ]


def test_an_unfinished_study_is_said_to_be(tmp_path: Path) -> None:
    store = filled(tmp_path, written=(1,))
    assert store.missing(range(3)) == [0, 2]
    with pytest.raises(DataError, match=r"is not finished: 1 of 3 pictures are there.*--partial"):
        load_study(tmp_path)
    assert load_study(tmp_path, partial=True).rows["image"].tolist() == [1, 1]
    empty = tmp_path / "empty"
    filled(empty, written=())
    with pytest.raises(DataError, match="has no picture yet"):
        load_study(empty, partial=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "holds no study"),
        ("{", "is no valid JSON"),
        ("[]", "should be the description of a study"),
        ("{}", "is no study's: kind: Field required"),
        (json.dumps(described(protocol={"thresholds": ["x"]})), "is no study's: protocol: thresholds.0"),
        (json.dumps(described(columns=7)), "is no study's: columns"),
    ],
)
def test_what_describes_no_study_is_named(text: str | None, words: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "study.json").write_text(text)
    with pytest.raises(DataError, match=words):
        load_study(tmp_path)


def test_a_broken_part_is_named(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.path(1).write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"part-00001\.parquet is damaged, or not a part of a study"):
        load_study(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop_columns(["row"]), "no 'row'"),
        (lambda table: table.set_column(0, "image", pa.array(["x"] * 2)), "'image' that is no numbers"),
        (lambda table: table.set_column(3, table.column_names[3], pa.nulls(2, pa.float32())), "holes"),
        (lambda table: table.set_column(0, "image", pa.array([2, 2])), "the part of another picture"),
        (lambda table: table.replace_schema_metadata({}), "holes|no part"),
        (lambda table: table.append_column("more", pa.array([1, 2])), "other columns than each other"),
    ],
)
def test_a_part_that_is_not_the_studys_is_named(
    change: Callable[[pa.Table], pa.Table], said: str, tmp_path: Path
) -> None:
    store = filled(tmp_path)
    pq.write_table(change(pq.read_table(store.path(1))), store.path(1))
    with pytest.raises(DataError, match=said):
        load_study(tmp_path)


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "segnet seg"),
        ({"model": "random"}, "random segnet seg"),
        ({"model": "field"}, "receptive field of segnet seg"),
        ({"network": "edges", "task": "none", "model": "edges"}, "edges"),
        ({"task": "both"}, "segnet"),
    ],
)
def test_titles(values: dict[str, Any], title: str) -> None:
    assert StudyTable(Path(), info(**values), {}, {}).title == title


def test_a_study_is_shown_in_a_line(tmp_path: Path) -> None:
    filled(tmp_path)
    assert repr(load_study(tmp_path)) == f"<study eval of segnet seg: 3 pictures, 6 targets; {tmp_path}>"


def test_a_question_is_all_but_who_asked_and_where_the_pictures_came_from() -> None:
    first = info(dataset={"path": "a"}, arithmetic={"vector_bytes": 32}, provenance={"host": "a"})
    second = info(dataset={"path": "b"}, provenance={"host": "b"})
    assert first.question() == second.question() == json.loads(json.dumps(first.question()))
    assert info(model="random").question() != first.question()


def test_who_begins_second_is_told_who_began(tmp_path: Path) -> None:
    first, second = Store(tmp_path, info(2)), Store(tmp_path, info(4))
    assert first.begin(lambda: {"vector_bytes": 32}) == {"vector_bytes": 32}
    assert second.begin(lambda: {"vector_bytes": 64}) == {"vector_bytes": 32}
    assert StudyInfo.read(tmp_path).images == info(4).images  # it has grown
    with pytest.raises(ConfigError, match="holds this study of 4 pictures, and 3 are asked for"):
        Store(tmp_path, info(3))
    with pytest.raises(ConfigError, match=r'another images\.0 \("street/0", not "road"\)'):
        Store(tmp_path, info(4, images=("road", *info(4).images[1:])))


def test_stores_are_found_at_any_depth_once(tmp_path: Path) -> None:
    for name in ("b/c", "a", "b"):
        filled(tmp_path / name, written=())
    assert find_stores([tmp_path]) == [tmp_path / "a", tmp_path / "b", tmp_path / "b/c"]
    assert find_stores([tmp_path / "b", tmp_path]) == [tmp_path / "b", tmp_path / "b/c", tmp_path / "a"]
    (tmp_path / "link").symlink_to(tmp_path / "b")
    assert find_stores([tmp_path / "b", tmp_path / "link", tmp_path / "a/../b"]) == [tmp_path / "b", tmp_path / "b/c"]
    (tmp_path / "link").unlink()
    (tmp_path / "nothing").mkdir()
    for folder in (tmp_path / "nothing", tmp_path / "missing"):
        with pytest.raises(DataError, match="holds no study"):
            find_stores([tmp_path, folder])
