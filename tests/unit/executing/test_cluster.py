"""A job on a Ray cluster of this machine; without Ray, what is said."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segdepth.core.errors import InputError
from segdepth.executing import ActorError, parse_place
from segdepth.executing.cluster import RayActor
from segdepth.executing.serving import recruit

from .numbers import Numbers

KEYS = range(9)


def test_without_ray_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'segdepth\[ray\]'"):
        list(parse_place("ray").carry_out(Numbers(tmp_path), KEYS))


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers find the tests' own modules."""
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    return


@pytest.mark.slow
@pytest.mark.usefixtures("paths")
def test_a_cluster_for_one_job_replaces_who_dies_and_is_ended(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import ray

    job = Numbers(tmp_path, dies=(1, 5), fails=((3, 2),))
    found = list(parse_place("ray").carry_out(job, KEYS))
    assert sorted(key for key, _ in found) == list(KEYS)
    assert not job.left(KEYS)
    assert not ray.is_initialized()
    assert capfd.readouterr().out == "", "results go there, and nothing else"
    with pytest.raises(InputError, match="not on this machine"):
        list(parse_place("ray").carry_out(Numbers(tmp_path / "unfit", unfit=True), KEYS))


@pytest.mark.slow
@pytest.mark.usefixtures("paths")
def test_a_cluster_that_others_started_is_joined_and_left_as_it_is(tmp_path: Path) -> None:
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False},
    )
    try:
        place = parse_place(f"ray:{cluster.address}")
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            job = Numbers(tmp_path / name)
            assert len(list(place.carry_out(job, KEYS))) == len(KEYS)
        with pytest.raises(InputError, match="no machine of the cluster has room for a worker of 64 cores"):
            list(parse_place(f"ray:{cluster.address}", cores=64).carry_out(job, range(9, 12)))
        ray.init(cluster.address, logging_level="ERROR")
        with pytest.raises(InputError, match="connected with a Ray cluster already"):
            list(place.carry_out(job, range(9, 12)))
        actor = RayActor(recruit(Numbers(tmp_path, dies=(3,)), 1), "a worker")
        with actor, pytest.raises(ActorError, match="is started again at the next question"):
            actor.ask("do", 3).result(120)
        assert (tmp_path / "tried-3").exists()
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.mark.slow
@pytest.mark.usefixtures("paths")
def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        list(parse_place("ray:127.0.0.1:1").carry_out(Numbers(tmp_path), KEYS))
