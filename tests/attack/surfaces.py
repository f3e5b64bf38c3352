"""What a user's commands read, one after the other: a tiny world, the command, which files are attacked, and its answer."""

import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import mutations

__all__ = ["Surface", "World", "build_world", "surfaces"]

ROWS, COLUMNS = "32", "64"

#: Makes the kind of a file from its name.
ENDINGS = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".npy": "npy",
    ".npz": "npz",
    ".json": "json",
    ".jsonl": "jsonl",
    ".yml": "yaml",
    ".yaml": "yaml",
    ".csv": "text",
    ".txt": "text",
    ".bin": "bin",
    ".safetensors": "safetensors",
    ".pt": "pt",
    ".pth": "pt",
    ".parquet": "parquet",
    ".lock": "json",
}


@dataclass
class Surface:
    """A command and what it reads.

    Attributes:
        name: of the surface.
        files: that are attacked, below the world.
        argv: of the command; `OUT` in it is a new folder.
        answer: what the command said, to be compared: of the folder OUT and what was printed.
        codes: exit codes of a command that went well.
        fresh: folders that the command writes to; they are put back after each input.
        same: that whatever the file is, the answer is the unmutated one, or a refusal.
        always: that the command succeeds whatever the file is.
        partly: that it does not look at all of the file, or says beside its answer what is wrong with it.
        arguments: that these are attacked, and no files.
        call: in place of a command; its value is the answer.
        weight: how often, beside the others.
    """

    name: str
    files: list[Path]
    argv: list[str]
    answer: Callable[[Path, str], bytes] = lambda _, printed: plain(printed)
    codes: tuple[int, ...] = (0,)
    fresh: tuple[Path, ...] = ()
    same: bool = False
    always: bool = False
    partly: bool = False
    arguments: bool = False
    call: Callable[[], Any] | None = None
    weight: float = 1.0
    originals: dict[Path, bytes] = field(default_factory=dict)


class World:
    """Files and folders below one root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __truediv__(self, name: str) -> Path:
        return self.root / name


_TIMES = re.compile(r"\d\d:\d\d(:\d\d)?|[0-9.]+ (s|ms|min|images/s|MB)\b|\d{4}-\d\d-\d\dT[-0-9:Z.+]+")


def plain(text: str) -> bytes:
    """Without times."""
    return _TIMES.sub("#", text).encode("utf-8", "replace")


def digest(*files: Path) -> bytes:
    return b"".join(hashlib.sha256(file.read_bytes()).digest() for file in sorted(files) if file.is_file())


def scores(out: Path, _: str) -> bytes:
    found = json.loads((out / "scores.json").read_text())
    return json.dumps(found.get("scores", found), sort_keys=True).encode()


def written(pattern: str) -> Callable[[Path, str], bytes]:
    return lambda out, _: digest(*out.glob(pattern))


def build_world(root: Path) -> World:
    """All that the surfaces read, by our own commands."""
    import torch
    import yaml

    from segdepth.cli import main

    world = World(root)
    root.mkdir(parents=True, exist_ok=True)

    def do(*argv: Any) -> None:
        with contextlib.redirect_stdout(None), contextlib.redirect_stderr(io.StringIO()) as said:
            code = main([str(word) for word in argv])
        assert code == 0, (argv, said.getvalue())

    size = ("--height", ROWS, "--width", COLUMNS)
    do("data", "synthesize", world / "city", "--num-images", 1, *size)
    do("data", "synthesize", world / "raw", "--layout", "kitti_raw", "--num-images", 4, *size)
    do("data", "synthesize", world / "sem", "--layout", "kitti_semantics", "--num-images", 2, *size)
    do(
        "prepare",
        "kitti",
        "--dataset_dir",
        world / "raw",
        "--static-frames",
        "none",
        "--num-threads",
        1,
        "--dump-root",
        world / "prepared",
        *size,
    )
    write_others(world)
    base = {
        "model": {"arch": "dispnet", "width": 0.05},
        "task": "seg",
        "data": {"dataset": "cityscapes", "path": str(world / "city"), "img_rows": 32, "img_cols": 64},
        "training": {
            "train_iters": 1,
            "batch_size": 1,
            "n_workers": 0,
            "optimizer": {"name": "adam", "lr": 1e-3},
            "augmentations": {"hflip": 0.5},
            "metrics": [],
        },
    }
    (world / "seg.yml").write_text(yaml.safe_dump(base))
    (world / "depth.yml").write_text(yaml.safe_dump(base | {"task": "depth"}))
    for task in ("seg", "depth"):
        do("train", "--config", world / f"{task}.yml", "--runs", world / "runs", "--device", "cpu")
    (seg,), (depth,) = ((world / f"runs/{task}").iterdir() for task in ("seg", "depth"))
    seg.rename(world / "runs/seg/2026-01-02T03-04-05Z")
    depth.rename(world / "runs/depth/2026-01-02T03-04-05Z")
    seg = world / "runs/seg/2026-01-02T03-04-05Z"
    shutil.copytree(seg, world / "resumed/more/2026-01-02T03-04-05Z")
    base["training"]["train_iters"] = 2
    base["training"]["resume"] = str(world / "resumed/more/2026-01-02T03-04-05Z")
    (world / "more.yml").write_text(yaml.safe_dump(base))
    do(
        "train",
        "--config",
        world / "depth.yml",
        "--runs",
        world / "cached-runs",
        "--device",
        "cpu",
        f"data.cache={world / 'cache'}",
    )
    do(
        "study",
        "eval",
        "--checkpoint",
        seg,
        "--num-image",
        1,
        "--sample-rate",
        8,
        "--engine",
        "windowed",
        "--data-path",
        world / "city",
        "--dataset",
        "cityscapes",
        "--out",
        world / "study",
    )
    picture = next((world / "city/leftImg8bit/val").rglob("*.png"))
    shutil.copy(picture, world / "picture.png")
    for task in ("seg", "depth"):
        do(
            "predict",
            world / "city/leftImg8bit/val",
            "--checkpoint",
            world / f"runs/{task}/2026-01-02T03-04-05Z",
            "--out",
            world / f"answers/{task}",
        )
    shutil.copytree(world / "prepared", world / "again")
    content = torch.load(next((seg / "checkpoints").glob("*.pt")), weights_only=True)
    torch.save({"model_state": content["model_state"], "epoch": 1}, world / "weights.pth")
    return world


def write_others(world: World) -> None:
    """Data sets that no command of ours makes."""
    import cv2

    rng = np.random.default_rng(0)

    def picture(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        smooth = cv2.GaussianBlur(rng.integers(0, 256, (32, 64, 3), dtype=np.uint8), (0, 0), 3)
        cv2.imwrite(str(path), smooth)

    def labels(path: Path, values: Sequence[int], palette: bool = False) -> None:
        from PIL import Image

        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.resize(np.array(values, np.uint8), (32, 64))
        image = Image.fromarray(array)
        if palette:
            image.putpalette([255 - k // 3 for k in range(768)])
        image.save(path)

    def depth(path: Path, unit: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((32, 64), round(10 / unit), np.uint16))

    for split in ("train", "val"):
        picture(world / f"camvid/{split}/0.png")
        labels(world / f"camvid/{split}annot/0.png", range(12), palette=True)
        (world / f"camvid/{split}.txt").write_text(f"{split}/0.png {split}annot/0.png\n")
        picture(world / f"nyuv2/{split}/rgb/0000.png")
        labels(world / f"nyuv2/{split}/label/0000.png", (0, 5, 38, 255))
        depth(world / f"nyuv2/{split}/depth/0000.png", 0.001)
    for name in ("a", "b"):
        picture(world / f"own/rgb/{name}.jpg")
        labels(world / f"own/labels/{name}.png", (0, 1, 255), palette=name == "b")
        (world / "own/depths").mkdir(exist_ok=True)
        np.save(world / f"own/depths/{name}.npy", np.full((32, 64), 9.5, np.float32))
    rows = [
        f"rgb/{name}.jpg,labels/{name}.png,depths/{name}.npy,{split}" for name, split in (("a", "train"), ("b", "val"))
    ]
    (world / "own/list.csv").write_text("image,label,depth,split\n" + "\n".join(rows) + "\n")
    day, drive = world / "eigen/2011_09_26", "2011_09_26_drive_0002_sync"
    for index in range(2):
        picture(day / drive / "image_02/data" / f"{index:010}.png")
        depth(world / f"eigen/val/{drive}/proj_depth/groundtruth/image_02/{index:010}.png", 1 / 256)
    (world / "eigen/files.txt").write_text(
        "\n".join(f"2011_09_26/{drive}/image_02/data/{index:010}.png" for index in range(2))
    )
    for name in ("calib_velo_to_cam.txt", "calib_cam_to_cam.txt"):
        shutil.copy(world / "raw/2011_09_26" / name, day / name)
    answers = world / "eigen-answers.npy"
    np.save(answers, np.full((2, 32, 64), 9.0, np.float32))
    (world / "pixels.csv").write_text("row,col\n1,2\n3,4\n")
    (world / "classes.yml").write_text("\n".join(f"{name}: {name}" for name in _classes()) + "\n")
    (world / "static.txt").write_text("2011_09_26 2011_09_26_drive_0001_sync 0000000000\n")
    demo, runs = world / "demo", world / "reproduced"
    for folder in (demo, runs, demo / "dispnet_seg", demo / "world"):
        folder.mkdir()
    of = {"model": {"arch": "dispnet"}, "task": "seg", "data": {"dataset": "cityscapes", "path": str(demo / "world")}}
    (demo / "finished.json").write_text(
        json.dumps({"of": {"segdepth": "0", "configs": {"seg": of}}, "scores": {"seg": {"dispnet": {"mIoU": 0.1}}}})
    )
    record = {"scores": {"mIoU": 0.5}, "protocol": {"files_scored": 500}, "run": "x", "scored_options": {}}
    (runs / "results.json").write_text(json.dumps({"cells": {"fcn8s_cityscapes_seg": record}}))
    (world / "manifest.json").write_text(json.dumps({"files": {"a": "b"}, "bad": {}, "made": 1}))
    (world / "x.lock").write_text(json.dumps({"pid": 1, "host": "h", "since": "now"}))
    hub = world / "hf"
    hub.mkdir()
    (hub / "config.json").write_text(
        json.dumps(
            {
                "model_type": "segformer",
                "architectures": ["SegformerForSemanticSegmentation"],
                "num_encoder_blocks": 1,
                "depths": [1],
                "sr_ratios": [1],
                "hidden_sizes": [8],
                "num_attention_heads": [1],
                "patch_sizes": [3],
                "strides": [4],
                "mlp_ratios": [1],
                "decoder_hidden_size": 8,
                "num_labels": 19,
            }
        )
    )
    (hub / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_mean": [0.5, 0.5, 0.5],
                "image_std": [0.5, 0.5, 0.5],
                "do_normalize": True,
                "do_rescale": True,
                "rescale_factor": 1 / 255,
                "size": {"height": 32, "width": 64},
                "image_processor_type": "SegformerImageProcessor",
            }
        )
    )


def _classes() -> tuple[str, ...]:
    from segdepth.data.labels import CITYSCAPES

    return CITYSCAPES.names


def kind_of(file: Path) -> str:
    return "text" if file.name == "SHA256SUMS" else ENDINGS.get(file.suffix, "any")


def below(folder: Path, *patterns: str) -> list[Path]:
    return sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})


def surfaces(world: World) -> list[Surface]:
    """All of them; each has files."""
    run, depth_run = (world / f"runs/{task}/2026-01-02T03-04-05Z" for task in ("seg", "depth"))
    resumed = world / "resumed/more/2026-01-02T03-04-05Z"
    city, own = world / "city", world / "own"
    city_files = {
        kind: below(city, f"{folder}/**/*.*")
        for kind, folder in (
            ("images", "leftImg8bit"),
            ("labels", "gtFine"),
            ("disparity", "disparity"),
            ("camera", "camera"),
        )
    }
    cpu = ["--device", "cpu"]
    eigen = [
        "--predictions", str(world / "eigen-answers.npy"), "--dataset", "kitti_eigen", "--dataset_dir", str(world / "eigen"),
        "--truth_dir", str(world / "eigen"), "--protocol", "eigen-improved-garg",
        "--dataset_list", str(world / "eigen/files.txt"),
    ]  # fmt: skip
    small = ["--height", ROWS, "--width", COLUMNS]
    own_options = [
        "--dataset",
        "folder",
        "--dataset_dir",
        str(own),
        "--num-threads",
        "1",
        "--page",
        "OUT/page.html",
        "data.csv=list.csv",
        "data.classes=[road,car]",
    ]

    def check(
        name: str, target: str, folder: Path, files: list[Path], *more: str, dataset: str | None = None
    ) -> Surface:
        argv = [
            "data",
            "check",
            "--dataset",
            dataset or name,
            "--dataset_dir",
            str(folder),
            "--target",
            target,
            "--num-threads",
            "1",
            "--page",
            "OUT/page.html",
            *more,
        ]
        return Surface(f"check {name} {target}", files, argv, codes=(0, 1), answer=written("page.html"))

    def evaluate(name: str, files: list[Path], *argv: str, **more: Any) -> Surface:
        return Surface(f"evaluate {name}", files, ["evaluate", *argv, "--out", "OUT/scores.json"], scores, **more)

    train = ["train", *cpu, "--runs", "OUT", "--config"]
    predict = ["predict", str(world / "picture.png"), "--out", "OUT", *cpu, "--checkpoint"]
    of_city = [
        "--data-path",
        str(city),
        "--dataset",
        "cityscapes",
        "--num-image",
        "1",
        "--sample-rate",
        "16",
        "--engine",
        "windowed",
    ]
    prepare = ["prepare", "kitti", "--dataset_dir", str(world / "raw"), "--num-threads", "1", *small, "--dump-root"]
    found = [
        Surface("config", [world / "seg.yml"], ["config", "check", str(world / "seg.yml")], weight=3),
        Surface("config depth", [world / "depth.yml"], ["config", "check", str(world / "depth.yml")]),
        Surface(
            "train config",
            [world / "seg.yml", world / "depth.yml"],
            [*train, "CONFIG", "training.train_iters=1"],
            weight=2,
        ),
        Surface("train images", city_files["images"] + city_files["labels"], [*train, str(world / "seg.yml")]),
        Surface(
            "resume",
            below(resumed, "checkpoints/*.pt"),
            ["train", *cpu, "--runs", str(world / "resumed"), "--config", str(world / "more.yml")],
            fresh=(world / "resumed",),
            weight=2,
        ),
        Surface(
            "resume run folder",
            below(resumed, "*.*"),
            ["train", *cpu, "--runs", str(world / "resumed"), "--config", str(world / "more.yml")],
            fresh=(world / "resumed",),
        ),
        Surface(
            "resume auto",
            below(resumed, "checkpoints/*.pt", "*.yaml", "*.json"),
            [
                "train",
                *cpu,
                "--runs",
                str(world / "resumed"),
                "--config",
                str(world / "more.yml"),
                "training.resume=auto",
            ],
            fresh=(world / "resumed",),
        ),
        Surface(
            "init from",
            below(run, "best.safetensors", "checkpoints/*.pt"),
            [*train, str(world / "seg.yml"), f"training.init_from={run}"],
        ),
        Surface(
            "cache",
            below(world / "cache", "**/*.npz"),
            [*train, str(world / "depth.yml"), f"data.cache={world / 'cache'}"],
            answer=lambda out, _: b"".join(line.read_bytes() for line in out.rglob("log.jsonl")),
            fresh=(world / "cache",),
            same=True,
            weight=2,
        ),
        Surface("predict picture", [world / "picture.png"], [*predict, str(run)], written("*"), weight=3),
        Surface(
            "predict checkpoint",
            below(run, "best.safetensors"),
            [*predict, str(run / "best.safetensors")],
            written("*"),
            weight=3,
        ),
        Surface(
            "predict run state",
            below(run, "checkpoints/*.pt"),
            [*predict, str(next((run / "checkpoints").glob("*.pt")))],
            written("*"),
            weight=3,
        ),
        Surface("predict run folder", below(run, "*.*", "checkpoints/*.pt"), [*predict, str(run)], written("*")),
        Surface(
            "convert",
            [world / "weights.pth"],
            ["convert", str(world / "weights.pth"), "--out", "OUT/x.safetensors"],
            codes=(0, 2),
            weight=1,
        ),
        evaluate("images", city_files["images"] + city_files["labels"], "--checkpoint", str(run), *cpu),
        evaluate(
            "depth", city_files["disparity"] + city_files["camera"], "--checkpoint", str(depth_run), *cpu, weight=2
        ),
        evaluate(
            "checkpoint",
            below(depth_run, "best.safetensors"),
            "--checkpoint",
            str(depth_run / "best.safetensors"),
            *cpu,
        ),
        evaluate(
            "class map",
            [world / "classes.yml"],
            "--checkpoint",
            str(run),
            "--class-map",
            str(world / "classes.yml"),
            *cpu,
        ),
        evaluate(
            "predicted labels",
            below(world / "answers/seg", "*trainIds.png"),
            "--predictions",
            str(world / "answers/seg"),
            "--dataset",
            "cityscapes",
            "--dataset_dir",
            str(city),
            "--task",
            "seg",
        ),
        evaluate(
            "predicted depth",
            below(world / "answers/depth", "*.npy"),
            "--predictions",
            str(world / "answers/depth"),
            "--dataset",
            "cityscapes",
            "--dataset_dir",
            str(city),
            "--task",
            "depth",
        ),
        evaluate(
            "stack",
            [world / "eigen-answers.npy"],
            *eigen,
        ),
        evaluate(
            "eigen",
            below(world / "eigen", "files.txt", "2011_09_26/*.txt", "val/**/*.png"),
            *eigen,
        ),
        check("cityscapes", "labels", city, city_files["images"] + city_files["labels"]),
        check("cityscapes", "depth", city, city_files["disparity"] + city_files["camera"]),
        check("cityscapes", "normals", city, city_files["camera"]),
        check("camvid", "labels", world / "camvid", below(world / "camvid", "**/*.*")),
        check("nyuv2", "labels", world / "nyuv2", below(world / "nyuv2", "*/label/*", "*/rgb/*")),
        check("nyuv2", "depth", world / "nyuv2", below(world / "nyuv2", "*/depth/*")),
        check("kitti", "labels", world / "sem", below(world / "sem", "**/*.png")),
        check("kitti", "depth", world / "prepared", below(world / "prepared", "*.txt", "*/*.*")),
        check("kitti_raw", "depth", world / "raw", below(world / "raw", "**/*.txt", "**/*.bin"), "--split", "train"),
        Surface(
            "check folder depth",
            below(own, "**/*.*"),
            ["data", "check", "--target", "depth", *own_options],
            written("page.html"),
            (0, 1),
            weight=2,
        ),
        Surface(
            "check folder labels",
            below(own, "**/*.*"),
            ["data", "check", "--target", "labels", *own_options],
            written("page.html"),
            (0, 1),
        ),
        Surface(
            "show folder",
            below(own, "rgb/*", "*.csv"),
            ["data", "show", *own_options[:4], *own_options[8:], "--out", "OUT", "-n", "1"],
            written("*"),
        ),
        Surface(
            "prepare",
            below(world / "raw", "**/*.txt", "**/*.bin", "**/*.png"),
            [*prepare, "OUT/p", "--static-frames", "none"],
            written("p/*/*"),
            weight=2,
        ),
        Surface(
            "prepare by speed",
            below(world / "raw", "**/oxts/**/*.txt"),
            [*prepare, "OUT/p", "--static-frames", "speed"],
            written("p/*/*"),
        ),
        Surface(
            "prepare by list",
            [world / "static.txt"],
            [*prepare, "OUT/p", "--static-frames", str(world / "static.txt")],
            written("p/*/*"),
        ),
        Surface(
            "prepared already",
            below(world / "again", "*"),
            [*prepare, str(world / "again"), "--static-frames", "none"],
            lambda *_: digest(*below(world / "again", "*/*")),
            fresh=(world / "again",),
            same=True,
        ),
        Surface(
            "runs",
            below(world / "runs", "**/*.json", "**/*.jsonl", "**/*.yaml", "**/*.safetensors"),
            ["runs", "--runs", str(world / "runs")],
            always=True,
            weight=3,
        ),
        Surface(
            "runs json",
            below(world / "runs", "**/*.json", "**/*.jsonl", "**/*.yaml", "**/*.safetensors"),
            ["runs", "--runs", str(world / "runs"), "--json", "--sort", "score"],
            always=True,
        ),
        Surface(
            "runs compare",
            below(world / "runs", "**/*.json", "**/*.jsonl", "**/*.yaml", "**/*.safetensors"),
            ["runs", "compare", str(run), str(depth_run), "--runs", str(world / "runs"), "--out", "OUT/page.html"],
            weight=0.5,
        ),
        Surface(
            "study goes on",
            below(world / "study", "**/*.*"),
            [
                "study",
                "eval",
                "--checkpoint",
                str(run),
                "--out",
                str(world / "study"),
                *of_city[:-4],
                "--sample-rate",
                "8",
                "--engine",
                "windowed",
            ],
            fresh=(world / "study",),
            weight=0.5,
        ),
        Surface(
            "analyse", below(world / "study", "**/*.*"), ["analyse", str(world / "study"), "--out", "OUT"], weight=0.4
        ),
        Surface(
            "saliency picture",
            [world / "picture.png"],
            [
                "saliency",
                "--checkpoint",
                str(run),
                "--image",
                str(world / "picture.png"),
                "--pixel",
                "9",
                "9",
                "--engine",
                "windowed",
                "--out",
                "OUT",
                *cpu,
            ],
            weight=0.3,
        ),
        Surface(
            "saliency pixels",
            [world / "pixels.csv"],
            [
                "saliency",
                "--checkpoint",
                str(run),
                "--image",
                str(world / "picture.png"),
                "--pixels",
                str(world / "pixels.csv"),
                "--engine",
                "windowed",
                "--out",
                "OUT",
                *cpu,
            ],
            weight=0.5,
        ),
        Surface(
            "synthesize again",
            [city / "segdepth_synthetic.json"],
            ["data", "synthesize", str(city), "--num-images", "1", *small],
        ),
        Surface(
            "networks checkpoint",
            below(run, "best.safetensors"),
            ["networks", str(run / "best.safetensors")],
            weight=0.3,
        ),
        Surface("networks hf", below(world / "hf", "*.json"), ["networks", f"hf:{world / 'hf'}", "--json"], weight=0.5),
        Surface("reproduce", [], ["reproduce", "--dry-run", "--runs", "OUT"], weight=0),
    ]
    found += [
        Surface(
            f"arguments of {words}",
            [],
            argv,
            arguments=True,
            weight=0.2 if words in ("networks", "study", "saliency") else 2,
        )
        for words, argv in {
            "config": [
                "config",
                "check",
                str(world / "seg.yml"),
                "training.optimizer.lr=1e-3",
                "model.width=0.05",
                "data.img_rows=32",
                "task=seg",
            ],
            "train": [*train, str(world / "seg.yml"), "training.train_iters=1", "data.cache=OUT/c", "seed=1"],
            "predict": [*predict, str(run)],
            "evaluate": [
                "evaluate",
                "--checkpoint",
                str(depth_run),
                "--min-depth",
                "1",
                "--max-depth",
                "80",
                "--out",
                "OUT/s.json",
                *cpu,
            ],
            "saliency": [
                "saliency",
                "--checkpoint",
                str(run),
                "--image",
                str(world / "picture.png"),
                "--pixel",
                "9",
                "9",
                "--engine",
                "windowed",
                "--out",
                "OUT",
                "--target",
                "predicted",
                "--crop",
                "none",
                *cpu,
            ],
            "synthesize": ["data", "synthesize", "OUT/new", "--num-images", "1", *small, "--seed", "1"],
            "prepare": [
                *prepare,
                "OUT/p",
                "--static-frames",
                "none",
                "--jpeg-quality",
                "95",
                "--val-share",
                "0.1",
                "--shard",
                "0/1",
            ],
            "check": [
                "data",
                "check",
                "--dataset",
                "folder",
                "--dataset_dir",
                str(own),
                "--target",
                "depth",
                "--num-threads",
                "1",
                "--page",
                "OUT/page.html",
                "data.csv=list.csv",
                "--samples",
                "1",
                "--split",
                "train",
            ],
            "runs": ["runs", "--runs", str(world / "runs"), "--only", "seg*", "--sort", "date"],
            "networks": ["networks", "segnet", "--task", "seg", "--height", "32", "--width", "64"],
            "study": [
                "study",
                "eval",
                "--null",
                "edges",
                "--out",
                "OUT",
                "--data-path",
                str(city),
                "--dataset",
                "cityscapes",
                "--num-image",
                "1",
                "--sample-rate",
                "16",
                "--shard",
                "0/1",
            ],
        }.items()
    ]
    return found + readers(world)


def show(value: Any) -> None:
    """Print what was read, so that equal values are printed alike, and others not."""
    print(hashlib.sha256(_bytes(value)).hexdigest())  # noqa: T201


def _bytes(value: Any) -> bytes:
    import torch

    if hasattr(value, "detach"):
        value = value.detach().to(torch.complex128).numpy()
    if isinstance(value, np.ndarray):
        return repr((value.shape, value.dtype)).encode() + np.ascontiguousarray(value).tobytes()
    if hasattr(value, "items"):
        return b"{" + b",".join(_bytes(key) + b":" + _bytes(part) for key, part in value.items()) + b"}"
    if isinstance(value, list | tuple):
        return b"[" + b",".join(map(_bytes, value)) + b"]"
    return repr(value).encode("utf-8", "surrogatepass")


def readers(world: World) -> list[Surface]:
    """What is behind the commands, called by itself: a thousand inputs in the time of a hundred commands."""
    from segdepth.campaigns.demo.run import finished_demo
    from segdepth.campaigns.reproduce import Results, rows
    from segdepth.campaigns.table import to_markdown
    from segdepth.config import load_config
    from segdepth.core.arrays import map_npy, read_npy, read_npz
    from segdepth.core.locks import _parse, _sentence
    from segdepth.core.pictures import picture_size, read_rgb, read_stored
    from segdepth.core.yaml_text import read_yaml
    from segdepth.data.cityscapes import _read_camera
    from segdepth.data.files import read_labels, read_png16
    from segdepth.data.kitti_raw import read_velocity, read_velodyne
    from segdepth.data.prepare_kitti import _read_options, _read_outcome
    from segdepth.explaining.pixel_files import read_pixels
    from segdepth.geometry import read_kitti_calibration
    from segdepth.networks import load_network
    from segdepth.runs import RunFolder, read_run
    from segdepth.studies.store import load_study
    from segdepth.training.checkpoints import read_checkpoint

    run = world / "runs/seg/2026-01-02T03-04-05Z"
    jpeg, palette = world / "own/rgb/a.jpg", world / "own/labels/b.png"
    labels, disparity, camera = (
        below(world / "city", f"{folder}/val/**/*.*")[0] for folder in ("gtFine", "disparity", "camera")
    )
    scan, speed = below(world / "raw", "**/*.bin")[0], below(world / "raw", "**/oxts/data/*.txt")[0]
    depth, stack, cached = (
        world / "own/depths/a.npy",
        world / "eigen-answers.npy",
        below(world / "cache", "**/*.npz")[0],
    )
    day = world / "raw/2011_09_26"
    state, best = next((run / "checkpoints").glob("*.pt")), run / "best.safetensors"
    study = below(world / "study", "**/study.json")[0].parent

    def calibration() -> Any:
        found = read_kitti_calibration(day)
        return found.T_cam0_velo, found.R_rect_00, found.P_rect_02, found.P_rect_03

    def table() -> Any:
        found = load_study(study)
        return found.info, dict(found.rows), dict(found.digests), found.title, found.columns

    def folder() -> Any:
        found = read_run(RunFolder(run), world / "runs")
        return (
            found.config,
            found.provenance,
            found.log,
            found.card,
            found.problems,
            found.state,
            found.best,
            found.started,
            found.revision,
        )

    def lock() -> Any:
        file = world / "x.lock"
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            return _sentence(world.root, _parse(stream.read(1 << 16)))

    def results() -> Any:
        kept = Results(world / "reproduced").records
        return kept, to_markdown(rows(kept))

    some = {
        "demonstration": ([world / "demo/finished.json"], lambda: finished_demo(world / "demo"), 4.0),
        "results": ([world / "reproduced/results.json"], results, 4.0),
        "shard": ([world / "manifest.json"], lambda: _read_outcome(world / "manifest.json"), 3.0),
        "manifest": ([world / "prepared/manifest.json"], lambda: _read_options(world / "prepared/manifest.json"), 3.0),
        "lock": (
            [world / "x.lock"],
            lock,
            2.0,
        ),
        "picture png": ([world / "picture.png"], lambda: read_rgb(world / "picture.png"), 12.0),
        "picture jpeg": ([jpeg], lambda: read_rgb(jpeg), 16.0),
        "labels": ([labels], lambda: read_labels(labels), 6.0),
        "palette": ([palette], lambda: read_stored(palette), 10.0),
        "disparity": ([disparity], lambda: read_png16(disparity), 6.0),
        "size": ([jpeg], lambda: picture_size(jpeg), 3.0),
        "npy": ([depth], lambda: read_npy(depth), 10.0),
        "stack": ([stack], lambda: map_npy(stack), 8.0),
        "npz": ([cached], lambda: read_npz(cached), 8.0),
        "scan": ([scan], lambda: read_velodyne(scan), 5.0),
        "speed": ([speed], lambda: read_velocity(speed), 4.0),
        "calibration": ([day / "calib_velo_to_cam.txt", day / "calib_cam_to_cam.txt"], calibration, 10.0),
        "camera": ([camera], lambda: _read_camera(camera), 6.0),
        "yaml": ([world / "seg.yml"], lambda: read_yaml(world / "seg.yml", "x"), 8.0),
        "configuration": ([world / "seg.yml"], lambda: load_config(world / "seg.yml"), 10.0),
        "pixels": ([world / "pixels.csv"], lambda: read_pixels(world / "pixels.csv", (32, 64)), 5.0),
        "network": ([best], lambda: load_network(best).state_dict(), 8.0),
        "state": ([state], lambda: read_checkpoint(state), 8.0),
        "study": (below(study, "*"), table, 12.0),
        "run": (below(run, "*.json*", "*.yaml", "*.safetensors"), folder, 10.0),
    }
    partly = ("demonstration", "lock", "run", "size")
    return [
        Surface(f"read {name}", files, [], call=call, weight=weight, partly=name in partly)
        for name, (files, call, weight) in some.items()
    ]


def evil_argv(argv: Sequence[str], rng: random.Random) -> list[str]:
    """Arguments of which one or two are something else, as a shell can give them: without NUL."""
    words = [
        *mutations.EVIL_WORDS,
        "99999999999999999999",
        "0",
        "-1",
        "1e9",
        "~",
        ".",
        "..",
        "/dev/null/x",
        "/proc/x",
        "*",
        "{}",
        "[",
        "a=b",
        "--",
        "-",
        "--help",
        "cuda:9",
        "meta",
        "1/0",
        "0/0",
        "2/1",
        "-1/2",
        "0/99999999999999999999",
        "none",
        "x,y",
        "1,2,3,4",
        "A" * 300,
        "python:os:system",
        "hf:x",
        "timm:x",
        "smp:",
        "torchvision:y",
        "a/b",
        "[bold]x[/bold]",
        "\udcff",
        "\\",
        "🚗",
        "[/]",
        "%s",
        "{0}",
        "$HOME",
        "nul",
        "1,1,0,0",
        "training.optimizer.lr=nan",
        "training.seed=-1",
        "data.img_rows=1e9",
        "model.width=99999",
        "training.batch_size=0",
        "data.path=/dev/zero",
        "training.train_iters=-1",
        "=",
        "a.b.c=1",
        "model=1",
        "training.optimizer=[]",
        "x=&a [*a]",
    ]
    changed = list(argv)
    for _ in range(rng.choice((1, 1, 2))):
        place = rng.randrange(1, len(changed))
        word = rng.choice(words).replace("\0", "")
        deed = rng.randrange(5)
        if deed == 0:
            del changed[place]
        elif deed == 1:
            changed.insert(place, word)
        elif deed == 2 and "=" in changed[place]:
            key = changed[place].partition("=")[0]
            if not (key == "training.train_iters" and word.isdigit()):  # it would do them all
                changed[place] = f"{key}={word}"
        else:
            changed[place] = word
        if len(changed) < 2:
            break
    return changed


def clean(path: Path) -> None:
    """Remove whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def snapshot(folders: Sequence[Path]) -> dict[Path, bytes]:
    """All files below folders."""
    return {file: file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}


def put_back(folders: Sequence[Path], files: dict[Path, bytes]) -> None:
    """Files as they were, with their times, and no others."""
    for folder in folders:
        for path in [
            path for path in folder.rglob("*") if path not in files and (path.is_symlink() or not path.is_dir())
        ]:
            path.unlink()
        for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            if path in files or not any(path.iterdir()):
                clean(path)
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or not path.is_file() or path.stat().st_size != len(data) or path.read_bytes() != data:
            clean(path)
            path.write_bytes(data)
            os.utime(path, (1, 1))
