"""Work on a Ray cluster whose workers and machines are killed at random: the same bytes as without.

    python tests/node_loss.py [--rounds 20] [--seed 0] [--pictures 6] [--frames 60]

A cluster of a head without cores and four nodes of one core is started on this machine. In each round it is given a study and a
preparation at the same time. Whenever some more tasks are done (or none in a while) a worker or a node is killed, and a new node
brought; at the end every file is compared with what one process made. A round's seed is printed before it begins. The slow test
``e2e/test_node_loss.py`` does a small round.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Cluster", "Work", "cluster", "make_work", "play_round"]

REPOSITORY = Path(__file__).resolve().parents[1]
NODES = 4
SIZE = (256, 832)
#: Seconds that a round may take, and that nothing is killed where nothing gets done.
PATIENCE, WHILE = 1800, 45.0
#: Least and most that is done between two kills: blocks of the study, and so many of the preparation's files.
DONE, FILES = (0.5, 3.0), 20
#: In the environment of every process of a cluster of ours: nothing else is ever killed.
MARK = "SEGDEPTH_NODE_LOSS"


class Work(NamedTuple):
    """Commands, and what they make.

    Attributes:
        study: words of the command, without where and where to.
        preparation: the same.
        expected: digests of the files of each, made by one process.
    """

    study: list[str]
    preparation: list[str]
    expected: dict[str, dict[str, str]]


def segdepth(*arguments: str, **options: Any) -> subprocess.Popen:
    """The command, in a process of its own, with as many threads as a node has cores: the last digits depend on them."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.Popen([sys.executable, "-m", "segdepth", *arguments], env=environment, text=True, **options)


def finished(process: subprocess.Popen) -> None:
    """Wait for a command that must go well."""
    if process.wait(PATIENCE):
        raise RuntimeError(f"{process.args} ended with {process.returncode}")


def digests(folder: Path) -> dict[str, str]:
    """Every file but the study's description, which says who began; hidden ones, which nobody should leave, too."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "study.json")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def make_work(folder: Path, pictures: int, frames: int) -> Work:
    """A world, a network, and what one process makes of them.

    Args:
        folder: for all of it.
        pictures: of the study, two blocks each.
        frames: of the preparation.
    """
    import torch

    from segdepth.networks import save_network
    from segdepth.tasks import create_network

    torch.manual_seed(0)
    net = create_network("dispnet", "depth", width=0.125)
    net.card = net.card.model_copy(update={"input_size": SIZE})
    save_network(net, folder / "net.safetensors")
    for layout, count in (("kitti_semantics", pictures), ("kitti_raw", frames)):
        size = ["--height", "128", "--width", "416"]
        finished(
            segdepth("data", "synthesize", str(folder / layout), "--layout", layout, "--num-images", str(count), *size)
        )
    images = folder / "kitti_semantics/training/image_2"
    study = ["study", "eval", "--checkpoint", str(folder / "net.safetensors"), "--data-path", str(images), "--sample-rate", "10",
             "--num-image", str(pictures), "--device", "cpu", "--engine", "sparse", "--out"]  # fmt: skip
    preparation = ["prepare", "kitti", "--dataset_dir", str(folder / "kitti_raw"), "--static-frames", "none",
                   "--height", "64", "--width", "208", "--dump-root"]  # fmt: skip
    finished(segdepth(*study, str(folder / "whole/study")))
    finished(segdepth(*preparation, str(folder / "whole/prepared"), "--num-threads", "1"))
    return Work(study, preparation, {name: digests(folder / "whole" / name) for name in ("study", "prepared")})


class Cluster:
    """A head without cores and nodes of one core, on this machine."""

    def __init__(self, mark: str) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        self._cluster = RayCluster(initialize_head=True, head_node_args={"num_cpus": 0, **self._small})
        self._nodes = [self._new() for _ in range(NODES)]

        self._mark = mark

    _small = {"object_store_memory": 80_000_000, "include_dashboard": False}  # noqa: RUF012

    def _new(self) -> Any:
        return self._cluster.add_node(num_cpus=1, **self._small)

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def kill_node(self, chance: random.Random) -> str:
        """At once, and bring another one."""
        node = self._nodes.pop(chance.randrange(len(self._nodes)))
        self._cluster.remove_node(node, allow_graceful=False)
        self._nodes.append(self._new())
        return "node"

    def kill_worker(self, chance: random.Random) -> str:
        """One that has a job's worker in it; nobody where there is none yet."""
        workers = list(marked(self._mark, "ray::_Kept"))
        if not workers:
            return "nobody"
        os.kill(chance.choice(workers), signal.SIGKILL)
        return "worker"

    def close(self) -> None:
        """At once."""
        for process in marked(self._mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def marked(mark: str, title: str = "") -> Iterator[int]:
    """Processes of the cluster whose title begins so."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            titled = (folder / "cmdline").read_bytes().startswith(title.encode())
            if titled and f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                yield int(folder.name)
        except OSError:  # it has ended meanwhile
            continue


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster for some rounds."""
    mark = secrets.token_hex(8)
    os.environ.update({MARK: mark, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(REPOSITORY / "src")})
    one = Cluster(mark)
    try:
        yield one
    finally:
        one.close()


def play_round(work: Work, folder: Path, seed: int, where: Cluster) -> dict[str, int]:
    """One round; the files are compared with those that are expected.

    Args:
        work: to be done.
        folder: for the results.
        seed: of what is killed when.
        where: it is done.

    Returns:
        How often a worker and a node were killed, and whole seconds.

    Raises:
        AssertionError: if a file is another, or one is left over.
    """
    chance, began = random.Random(seed), time.monotonic()
    killed = {"worker": 0, "node": 0, "nobody": 0}
    on = ["--on", f"ray:{where.address}"]
    with (folder / "said.txt").open("w") as said:
        running = [segdepth(*work.study, str(folder / "study"), *on, stdout=said, stderr=said),
                   segdepth(*work.preparation, str(folder / "prepared"), *on, stdout=said, stderr=said)]  # fmt: skip
        while any(process.poll() is None for process in running) and time.monotonic() - began < PATIENCE:
            wait_for_more(folder, chance.uniform(*DONE), running)
            killed[where.kill_worker(chance) if chance.random() < 0.6 else where.kill_node(chance)] += 1
        for process in running:
            if process.poll() is None:
                process.kill()
            assert process.wait() == 0, (folder / "said.txt").read_text()
    for name, expected in work.expected.items():
        found = digests(folder / name)
        assert found == expected, f"{name}: {sorted(set(found.items()) ^ set(expected.items()))}"
    return killed | {"seconds": round(time.monotonic() - began)}


def wait_for_more(folder: Path, more: float, running: Sequence[subprocess.Popen]) -> None:
    """Until that much more is done, or both commands have ended, or nothing was done in a while."""
    before, until = done(folder), time.monotonic() + WHILE
    while done(folder) < before + more and time.monotonic() < until and any(one.poll() is None for one in running):
        time.sleep(0.2)


def done(folder: Path) -> float:
    """How much, by the files."""
    blocks = sum(2 - ("block" in path.name) for path in folder.glob("study/eval/*/part-*"))
    return blocks + len(list(folder.glob("prepared/*/*"))) / FILES


def main(arguments: Sequence[str] | None = None) -> None:
    """Play rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the first round; the others count on")
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--work", type=Path, help="folder that keeps the world and what one process made of it")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as until_the_end:
        work = kept_work(options.work or Path(temporary), options.pictures, options.frames)
        where = until_the_end.enter_context(cluster())
        for seed in range(options.seed, options.seed + options.rounds):
            sys.stdout.write(f"seed {seed}: ")
            sys.stdout.flush()
            folder = Path(temporary) / f"round {seed}"
            folder.mkdir()
            sys.stdout.write(f"{play_round(work, folder, seed, where)}\n")
            sys.stdout.flush()


def kept_work(folder: Path, pictures: int, frames: int) -> Work:
    """What was made there before, or is made now."""
    file = folder / "work.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(make_work(folder, pictures, frames)))
    return Work(*json.loads(file.read_text()))


if __name__ == "__main__":
    main()
