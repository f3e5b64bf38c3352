"""Small jobs of every verb that writes: what they are given, how they are called, and what must come out of them, bit for bit."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import safe_open

from segdepth.cli.worlds import write_world
from segdepth.data.synthetic import write_kitti_raw
from segdepth.networks import save_network
from segdepth.tasks import create_network

__all__ = ["JOBS", "Job", "differences", "litter", "make_inputs", "missing_input"]

#: Digests of results, by what they are called.
Results = Mapping[str, str]

#: Arguments of the command, of the folder of inputs and that of the results.
Arguments = Callable[[Path, Path], list[str]]

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared/conformance"


@dataclass(frozen=True)
class Job:
    """A command that is killed, given again, and must end with the results of one that was left alone.

    Attributes:
        arguments: of ``segdepth``, or of a script of this repository.
        results: what is compared, of the folder that the command wrote to.
        megabytes: of a file system that has room for all of it.
    """

    arguments: Arguments
    results: Callable[[Path], Results]
    megabytes: int


def make_inputs(folder: Path) -> None:
    """What the jobs read: a world, raw drives, a network, a checkpoint of the ancestor, configurations."""
    write_world(
        folder / "world", "kitti_semantics", num_images=15, height=64, width=128, seed=0, progress=lambda *_: None
    )
    write_world(folder / "streets", "cityscapes", num_images=7, height=64, width=128, seed=0, progress=lambda *_: None)
    write_kitti_raw(folder / "raw", drives=(1, 5), frames=6, height=94, width=311)
    torch.manual_seed(0)
    net = create_network("segnet", "seg", width=0.125)
    net.card = net.card.model_copy(update={"input_size": (48, 96)})
    save_network(net, folder / "seg.safetensors")
    (folder / "tiny.yml").write_text(yaml.safe_dump(_training(folder)))
    if CONFORMANCE.is_dir():
        _ancestors(folder / "ancestor.pkl")


def missing_input(verb: str) -> str | None:
    """What a job needs that is not there; None: nothing."""
    if verb == "convert" and not CONFORMANCE.is_dir():
        return "needs the golden files shared/conformance beside the checkout"
    return None


def _training(folder: Path) -> dict[str, Any]:
    return {
        "model": {"arch": "segnet", "width": 0.125},
        "task": "seg",
        "data": {"dataset": "cityscapes", "path": str(folder / "streets"), "img_rows": 32, "img_cols": 64},
        "training": {
            "train_iters": 12,
            "batch_size": 4,
            "val_interval": 5,
            "print_interval": 2,
            "checkpoint_interval": 3,
            "n_workers": 1,
            "optimizer": {"name": "adam", "lr": 1e-3},
            "augmentations": {"hflip": 0.5},
            "ema_decay": 0.9,
            "resume": "auto",
        },
    }


def _ancestors(path: Path) -> None:
    """A checkpoint as the ancestor left them: one number stands for each tensor, so the file is small."""
    entries = json.loads((CONFORMANCE / "frrnA_depth.json").read_text())["state_dict"]
    state = {
        name: torch.zeros((), dtype=torch.int64 if name.endswith("tracked") else torch.float32).expand(shape)
        for name, shape in entries
    }
    torch.save({"model_state": state}, path)


def _files(folder: Path) -> Iterator[Path]:
    """What a reader of the folder sees, in order."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def litter(folder: Path) -> list[str]:
    """What no command that came to its end should leave: hidden files and folders, below the folder.

    A run that was killed before its first checkpoint stays as it was: nothing goes on from there.
    """
    left = [
        Path(root) / name
        for root, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if name.startswith(".")
    ]
    begun = {path.parent for path in folder.rglob("provenance.json") if not list(path.parent.glob("checkpoints/[!.]*"))}
    return sorted(str(path.relative_to(folder)) for path in left if begun.isdisjoint(path.parents))


def differences(expected: Results, found: Results) -> list[str]:
    """Names of results that are not what they should be."""
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _bytes(folder: Path) -> Results:
    return {str(path.relative_to(folder)): _digest(path.read_bytes()) for path in _files(folder)}


def _network(path: Path) -> str:
    """Of weights and card; the file's bytes have the header's keys in any order, and the card says when and where it was made."""
    with safe_open(path, framework="pt") as file:
        card = json.loads((file.metadata() or {})["segdepth"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    return json.dumps({k: v for k, v in card.items() if k not in ("config", "provenance")}) + _content(tensors)


def _content(value: Any) -> str:
    """Of a checkpoint, whose bytes hold its temporary name."""
    if isinstance(value, torch.Tensor):
        return f"{value.dtype}{tuple(value.shape)}{_digest(value.contiguous().numpy().tobytes())}"
    if isinstance(value, Mapping):
        return repr({str(key): _content(part) for key, part in sorted(value.items(), key=lambda pair: str(pair[0]))})
    if isinstance(value, list | tuple):
        return repr([_content(part) for part in value])
    return repr(value)


def _run(folder: Path) -> Results:
    """Of a run: log, weights, last state, and the configuration but for where it went on from."""
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["training"]["resume"] = None
    steps = sorted((folder / "checkpoints").glob("*.pt"))
    return {
        "config": _digest(json.dumps(_without_paths(config)).encode()),
        "log": _digest((folder / "log.jsonl").read_bytes()),
        "best": _network(folder / "best.safetensors"),
        "step": steps[-1].stem,  # the one before it may be where a signal ended the run
        "state": _content({k: v for k, v in torch.load(steps[-1], weights_only=True).items() if k != "card"}),
    }


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_paths(part) for key, part in value.items() if key not in ("path", "cache")}
    return value


def _newest_run(runs: Path) -> Results:
    """Runs that were killed before their first checkpoint stay beside it."""
    return _run(max(path for path in runs.iterdir() if (path / "checkpoints").is_dir()))


def _study(folder: Path) -> Results:
    info = json.loads((folder / "eval/segnet_seg/study.json").read_text())
    del info["provenance"]
    found = {name: digest for name, digest in _bytes(folder).items() if name.endswith(".parquet")}
    return found | {"study.json": json.dumps(info)}


def _converted(folder: Path) -> Results:
    (path,) = _files(folder)
    return {path.name: _network(path)}


def _demo(folder: Path) -> Results:
    world = {k: v for k, v in _bytes(folder / "world").items() if not k.startswith("cache")}
    runs = {f"{task} {k}": v for task in ("seg", "depth") for k, v in _newest_run(folder / f"fcn8s_{task}").items()}
    scores = json.loads((folder / "finished.json").read_text())["scores"]
    return (
        world
        | runs
        | {"scores": json.dumps(scores), "page": str("location.reload" in (folder / "index.html").read_text())}
    )


def _train_arguments(inputs: Path, output: Path) -> list[str]:
    cache = f"data.cache={output / 'cache'}"
    return ["train", "--config", str(inputs / "tiny.yml"), "--runs", str(output), "--device", "cpu", cache]


def _prepare_arguments(inputs: Path, output: Path) -> list[str]:
    return ["prepare", "kitti", "--dataset_dir", str(inputs / "raw"), "--dump-root", str(output), "--height", "24", "--width",
            "78", "--static-frames", "none", "--num-threads", "1"]  # fmt: skip


def _study_arguments(inputs: Path, output: Path) -> list[str]:
    return ["study", "eval", "--model_path", str(inputs / "seg.safetensors"), "--data_path", str(inputs / "world"),
            "--sample_rate", "9", "--num_image", "3", "--height", "48", "--width", "96", "--out", str(output),
            "--device", "cpu"]  # fmt: skip


def _export_arguments(form: str, ending: str) -> Arguments:
    def arguments(inputs: Path, output: Path) -> list[str]:
        return ["export", str(inputs / "seg.safetensors"), "--format", form, "--out", str(output / f"net{ending}"),
                "--height", "32", "--width", "64"]  # fmt: skip

    return arguments


def _convert_arguments(inputs: Path, output: Path) -> list[str]:
    return ["convert", str(inputs / "ancestor.pkl"), "--out", str(output / "ours.safetensors")]


def _world_arguments(inputs: Path, output: Path) -> list[str]:
    del inputs
    return ["data", "synthesize", str(output), "--num-images", "10", "--height", "64", "--width", "128"]


def _demo_arguments(inputs: Path, output: Path) -> list[str]:
    del inputs
    return ["tests/kills/small_demo.py", "demo", "--quick", "--out", str(output)]


#: By verb.
JOBS: dict[str, Job] = {
    "train": Job(_train_arguments, lambda folder: _newest_run(folder / "tiny"), megabytes=40),
    "prepare": Job(_prepare_arguments, _bytes, megabytes=2),
    "study": Job(_study_arguments, _study, megabytes=2),
    "export onnx": Job(_export_arguments("onnx", ".onnx"), _bytes, megabytes=8),
    "export pt2": Job(_export_arguments("torch_export", ".pt2"), _bytes, megabytes=8),
    "convert": Job(_convert_arguments, _converted, megabytes=80),
    "world": Job(_world_arguments, _bytes, megabytes=8),
    "demo": Job(_demo_arguments, _demo, megabytes=80),
}
