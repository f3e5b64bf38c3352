"""KITTI raw drives -> training folders: small pictures with depth beside them. Can be stopped anywhere, and goes on.

See docs/design/0004-kitti-from-disk-to-score.md.
"""

import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from segdepth.core.errors import DataError, InputError, SegdepthError
from segdepth.core.files import naming, write_json, write_text
from segdepth.core.locks import Part, held
from segdepth.core.own_name import unlike_any
from segdepth.core.reading import as_kind, read_bytes, read_json, read_json_lines, read_lines
from segdepth.drawing import depth_png16_bytes, png_bytes
from segdepth.executing import Here, Place
from segdepth.executing import Job as SharedJob
from segdepth.geometry import (
    Calibration,
    Camera,
    nearest_point,
    project_velodyne,
    read_kitti_calibration,
    resize_image,
)

from .files import read_rgb
from .kitti_names import PREPARED_CAMERA, KittiDrive
from .kitti_plan import FEWEST, SHORT, Job, Plan, Setup, plan_kitti, validation_scenes
from .kitti_raw import read_velodyne
from .splits import eigen_test_scenes

__all__ = ["DEPTH_REDUCTIONS", "Prepared", "prepare_kitti"]

MANIFEST, HASHES, WORK = "manifest.json", "SHA256SUMS", ".prepare"
_SPLITS = ("train", "val", "test")

#: One frame after the other, in this process.
HERE = Here()

Progress = Callable[[int, int], None]
#: A scan with its pictures, and the hashes of those of its files that were finished before.
Task = tuple[Job, Mapping[str, str]]


def _nearest_point(points: ndarray, calibration: Calibration, source: tuple[int, int], size: tuple[int, int],
                   camera: Camera) -> Float32[ndarray, "h w"]:  # fmt: skip
    return nearest_point(project_velodyne(points, calibration, source, camera), size)


def _as_the_ancestor(points: ndarray, calibration: Calibration, source: tuple[int, int], size: tuple[int, int],
               camera: Camera) -> Float32[ndarray, "h w"]:  # fmt: skip
    return project_velodyne(points, calibration.scaled(size[0] / source[0], size[1] / source[1]), size, camera)


#: How a scan becomes a small depth map: projected at full resolution and reduced to the nearest point of each pixel; or
#: projected with a scaled matrix, as the ancestor did.
DEPTH_REDUCTIONS: Mapping[str, Callable[..., Float32[ndarray, "h w"]]] = MappingProxyType(
    {"nearest-point": _nearest_point, "reference": _as_the_ancestor}
)


@dataclass(slots=True)
class Outcome:
    """What became of jobs.

    Attributes:
        files: path in the tree -> SHA-256.
        bad: frame -> what is wrong with it.
        made: number of pictures that were not there already.
    """

    files: dict[str, str] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def add(self, other: "Outcome") -> None:
        """Take over another outcome."""
        self.files |= other.files
        self.bad |= other.bad
        self.made += other.made


@dataclass(frozen=True, slots=True)
class Prepared:
    """What :func:`prepare_kitti` did.

    Attributes:
        made: pictures made now.
        verified: pictures that were there already, with the right hashes.
        bad: frame -> what is wrong with it; empty unless bad frames are skipped.
        waiting_for: shards that are not finished; while there are any, the tree has no manifest.
        manifest: the tree's manifest; None while shards are missing.
    """

    made: int
    verified: int
    bad: Mapping[str, str]
    waiting_for: tuple[int, ...]
    manifest: Mapping[str, object] | None


def prepare_kitti(
    source: Path,
    output: Path,
    setup: Setup,
    *,
    shard: tuple[int, int] = (0, 1),
    place: Place = HERE,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Make, go on with, or verify the training folders of KITTI raw.

    Args:
        source: KITTI raw, with its folders of dates.
        output: folder of the prepared data.
        setup: what they look like.
        shard: number and count: this call does every count-th job, and the last one to finish completes the tree.
        place: where the frames are made.
        skip_bad: leave out frames with a broken file, and drives without speeds where these are wanted, and list them,
            instead of stopping at the first.
        progress: called with (jobs done, jobs of this shard).

    Raises:
        DataError: if a file is missing or broken; what is done stays done.
        InputError: if ``output`` holds data of another setup, or is inside ``source``, or the shard does not exist.
        BusyError: if another process prepares this shard.
    """
    index, count = shard
    if not 0 <= index < count:
        raise InputError(f"shard {index}/{count} does not exist: with {count} shards they are 0..{count - 1}")
    if output.resolve().is_relative_to(source.resolve()):
        raise InputError(
            f"{output} is inside {source}, which stays as it was downloaded; choose a folder outside of it"
        )
    plan = plan_kitti(source, setup, skip_bad=skip_bad)
    _claim(output, setup)
    part = Part(index, count)
    with held(output / WORK, part):
        return _prepare(plan, source, output, setup, part, place, skip_bad, progress)


def _prepare(
    plan: Plan, source: Path, output: Path, setup: Setup, part: Part, place: Place, skip_bad: bool,
    progress: Progress | None,
) -> Prepared:  # fmt: skip
    known = _known(output)
    jobs = plan.jobs[part.index :: part.count]
    staging = output / WORK / f"staging-{part}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    total = Outcome()
    make = partial(_prepare_frame, setup=setup, source=source, output=output, staging=staging, sizes=plan.sizes)
    tasks = [(job, {n: known[n] for n in _names(job, setup) if n in known}) for job in jobs]
    journal_file = output / WORK / f"journal-{part}.jsonl"
    outcomes = place.carry_out(_Preparation(make, one_of_many=not isinstance(place, Here)), tasks)
    with naming(journal_file), journal_file.open("a") as journal, closing(outcomes):
        for done, (_, outcome) in enumerate(outcomes, start=1):
            assert outcome is not None, "nobody but this call's workers does these frames"
            if outcome.bad and not skip_bad:
                raise DataError(next(iter(outcome.bad.values())))
            journal.write(f"\n{json.dumps(outcome.files)}")  # a line that a kill cut off ends here
            journal.flush()
            total.add(outcome)
            if progress:
                progress(done, len(jobs))
    write_json(output / WORK / _done_name(plan, part), asdict(total))
    shutil.rmtree(staging, ignore_errors=True)
    verified = len(total.files) // 2 - total.made
    waiting, manifest = _finish(plan, setup, source, output, part.count, known)
    return Prepared(total.made, verified, total.bad, waiting, manifest)


@dataclass(frozen=True)
class _Preparation(SharedJob[Task, Outcome]):
    """Makes frames.

    Attributes:
        make: a task's files.
        one_of_many: workers run beside each other; with a pool of threads in each they would fight for the cores.
    """

    make: Callable[[Task], Outcome]
    one_of_many: bool
    name: str = "prepare"

    def worker(self) -> "_Preparation":
        """See :meth:`~segdepth.executing.Job.worker`."""
        if self.one_of_many:
            cv2.setNumThreads(0)
        return self

    def do(self, key: Task) -> Outcome:
        """See :meth:`~segdepth.executing.Worker.do`."""
        return self.make(key)

    def label(self, key: Task) -> str:
        """By the first frame's name."""
        return next((frame.name for frame, _ in key[0].images), key[0].scan.name)


def _names(job: Job, setup: Setup) -> list[str]:
    return [name for frame, _ in job.images for name in setup.names(frame)]


def _done_name(plan: Plan, part: Part) -> str:
    return f"done-{plan.digest}-{part}.json"


def _options(setup: Setup) -> dict[str, object]:
    """The setup as plain data; a list of static frames counts by its content, wherever it is; drives if they are named."""
    options: dict[str, object] = {key: value for key, value in asdict(setup).items() if key != "drives"}
    if setup.drives:
        options["drives"] = sorted({str(drive) for drive in setup.drives})
    if setup.static not in ("list", "speed", "none"):
        digest = hashlib.sha256(read_bytes(Path(setup.static))).hexdigest()
        options["static"] = f"list with SHA-256 {digest[:12]}"
    return options


def _claim(output: Path, setup: Setup) -> None:
    """Mark a folder as ours.

    Raises:
        InputError: if it holds prepared data of another setup, or something else.
    """
    options = json.loads(json.dumps(_options(setup)))
    for file in (output / MANIFEST, output / WORK / "options.json"):
        if file.exists():
            found = _read_options(file)
            differing = [
                f"{key} {found.get(key)} -> {options.get(key)}"
                for key in (one.name for one in fields(Setup))
                if found.get(key) != options.get(key)
            ]
            if differing:
                raise InputError(
                    f"{output} holds data prepared with other options ({', '.join(differing)});"
                    " choose another folder or remove it"
                )
            write_json(output / WORK / "options.json", options)
            return
    if output.is_dir() and any(entry.name != WORK for entry in output.iterdir()):
        raise InputError(f"{output} is not empty and holds no data that `segdepth prepare` made; choose another folder")
    write_json(output / WORK / "options.json", options)


def _read_options(file: Path) -> Mapping[str, object]:
    """What a folder was prepared with, by its manifest or by what was noted when it was begun."""
    noted = read_json(file, "a manifest", default={})
    options = noted.get("options", noted)
    if options and isinstance(options, dict):
        return options
    raise DataError(
        f"{file} is damaged: it does not say how its folder was prepared; remove the folder and prepare it anew"
    )


def _known(output: Path) -> dict[str, str]:
    """Files that were finished before, by this tree's manifest or by a journal: path -> SHA-256."""
    known: dict[str, str] = {}
    if (output / HASHES).exists() and (output / MANIFEST).exists():
        for line in read_lines(output / HASHES, "a list of hashes"):
            digest, _, name = line.partition("  ")
            known[name] = digest
    for journal in (output / WORK).glob("journal-*.jsonl"):
        for files in read_json_lines(journal):  # one that a kill cut off is none; the next is whole again
            known |= {name: digest for name, digest in (files or {}).items() if isinstance(digest, str)}
    return known


def _prepare_frame(
    task: Task, *, setup: Setup, source: Path, output: Path, staging: Path,
    sizes: Mapping[tuple[KittiDrive, Camera], tuple[int, int]],
) -> Outcome:  # fmt: skip
    """Make the files of a job that are not there with the hashes they should have."""
    job, known = task
    outcome = Outcome()
    points: Float32[ndarray, "n 4"] | None = None
    for frame, image in job.images:
        names = setup.names(frame)
        if all(name in known and _sha256(output / name) == known[name] for name in names):
            outcome.files |= {name: known[name] for name in names}
            continue
        try:
            if points is None:
                points = read_velodyne(job.scan)
            calibration, size = _calibration(source / frame.drive.date), sizes[frame.drive, frame.camera]
            contents = _make(image, points, calibration, setup, frame.camera, size)
        except SegdepthError as error:
            outcome.bad[frame.name] = str(error)
            continue
        for name, data in zip(names, contents, strict=True):
            _write(output / name, data, staging)
            outcome.files[name] = hashlib.sha256(data).hexdigest()
        outcome.made += 1
    return outcome


def _make(
    image: Path, points: Float32[ndarray, "n 4"], calibration: Calibration, setup: Setup, camera: Camera,
    expected: tuple[int, int],
) -> tuple[bytes, bytes]:  # fmt: skip
    """The bytes of the small picture and of its depth."""
    picture = read_rgb(image)
    source = (picture.shape[0], picture.shape[1])
    if source != expected:
        raise DataError(
            f"{image} is {source[0]}x{source[1]}, but the drive's first picture is {expected[0]}x{expected[1]}"
        )
    depth = DEPTH_REDUCTIONS[setup.depth_reduction](points, calibration, source, setup.size, camera)
    return _encode_image(resize_image(picture, setup.size), setup), _encode_depth(depth, setup)


def _encode_image(picture: UInt8[ndarray, "h w 3"], setup: Setup) -> bytes:
    if setup.image_format == "png":
        return png_bytes(picture)
    stored = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, setup.jpeg_quality])[1])


def _encode_depth(depth: Float32[ndarray, "h w"], setup: Setup) -> bytes:
    if setup.depth_format == "png":
        return depth_png16_bytes(depth)
    buffer = io.BytesIO()
    np.save(buffer, depth)
    return buffer.getvalue()


def _write(path: Path, data: bytes, staging: Path) -> None:
    """Write a file whole or not at all; what a kill leaves is in the staging folder, which the next run empties."""
    temporary = staging / f"{path.parent.name}-{path.name}.{unlike_any()}"
    with naming(path):
        temporary.write_bytes(data)
    path.parent.mkdir(exist_ok=True)
    temporary.replace(path)


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except DataError:
        return None


@cache
def _calibration(day: Path) -> Calibration:
    return read_kitti_calibration(day)


def _finish(
    plan: Plan, setup: Setup, source: Path, output: Path, count: int, known: Mapping[str, str]
) -> tuple[tuple[int, ...], Mapping[str, object] | None]:
    """Complete the tree if every shard is done.

    Returns:
        The shards that are not done, and the manifest if there are none.
    """
    work = output / WORK
    waiting = tuple(k for k in range(count) if not (work / _done_name(plan, Part(k, count))).exists())
    if waiting and work.exists():
        return waiting, None
    total = Outcome()
    try:
        for k in range(count):
            total.add(_read_outcome(work / _done_name(plan, Part(k, count))))
    except DataError:
        if work.exists():
            raise
        return (), read_json(
            output / MANIFEST, "a manifest"
        )  # another shard, at the same moment, has completed the tree
    manifest = _complete(plan, setup, source, output, total, known)
    shutil.rmtree(work, ignore_errors=True)
    return (), manifest


def _read_outcome(file: Path) -> Outcome:
    said = read_json(file, "a shard's list of files")
    found: Outcome = as_kind(Outcome, said, f"{file} is damaged; remove it, and prepare this shard again")
    return found


def _complete(
    plan: Plan, setup: Setup, source: Path, output: Path, total: Outcome, known: Mapping[str, str]
) -> Mapping[str, object]:
    """Write cameras, lists, hashes and, as the last file, the manifest; remove what the tree no longer has."""
    there = ((frame.drive, frame.camera) for job in plan.jobs for frame, _ in job.images
             if setup.names(frame)[0] in total.files)  # fmt: skip
    pictures = {key: number for key, number in Counter(there).items() if number >= FEWEST}
    if not pictures:
        raise DataError(f"no drive has {FEWEST} good frames; the first broken one: {next(iter(total.bad.values()))}")
    folders = {drive.prepared(camera): number for (drive, camera), number in sorted(pictures.items())}
    left_out = dict(plan.left_out)
    left_out |= {drive.prepared(camera): SHORT for drive, camera in plan.sizes if (drive, camera) not in pictures}
    files = {name: digest for name, digest in total.files.items() if name.partition("/")[0] in folders}
    texts = _lists(pictures, setup.val_share)
    for drive, camera in pictures:
        file = f"{drive.prepared(camera)}/{PREPARED_CAMERA}"
        texts[file] = _camera_text(source, drive, camera, plan.sizes[drive, camera], setup.size)
    for name, text in texts.items():
        write_text(output / name, text)
        files[name] = hashlib.sha256(text.encode()).hexdigest()
    _remove((known.keys() | total.files.keys()) - files.keys(), output)
    write_text(output / HASHES, "".join(f"{files[name]}  {name}\n" for name in sorted(files)))
    manifest = {
        "made_by": "segdepth prepare kitti",
        "options": _options(setup),
        "counts": {
            "folders": len(folders),
            "pictures": sum(folders.values()),
            **{f"{split}_folders": len(texts[f"{split}.txt"].split()) for split in _SPLITS if f"{split}.txt" in texts},
            "test_drives_left_out": plan.test,
            "folders_left_out": len(left_out) - plan.test,
            "static_frames_left_out": plan.static,
            "incomplete_frames_left_out": len(plan.incomplete),
            "bad_frames_left_out": len(total.bad),
        },
        "pictures": folders,
        "left_out": dict(sorted(left_out.items())),
        "incomplete": list(plan.incomplete),
        "bad": dict(sorted(total.bad.items())),
        "hashes": {"file": HASHES, "files": len(files), "sha256": _sha256(output / HASHES)},
    }
    write_json(output / MANIFEST, manifest)
    return manifest


def _camera_text(
    source: Path, drive: KittiDrive, camera: Camera, original: tuple[int, int], size: tuple[int, int]
) -> str:
    """The 3x3 intrinsic matrix at the small size, pixels."""
    scaled = _calibration(source / drive.date).scaled(size[0] / original[0], size[1] / original[1])
    return "".join(" ".join(f"{value:.9g}" for value in row) + "\n" for row in scaled.intrinsics(camera).tolist())


def _lists(pictures: Mapping[tuple[KittiDrive, Camera], int], share: float) -> dict[str, str]:
    """The folders of each split; there is a list of test scenes only where there are some."""
    drives = sorted({drive for drive, _ in pictures})
    test = eigen_test_scenes().intersection(drives)
    held_out = validation_scenes([drive for drive in drives if drive not in test], share)
    splits = {"train": frozenset(drives) - held_out - test, "val": held_out} | ({"test": test} if test else {})
    return {
        f"{split}.txt": "".join(f"{drive.prepared(camera)}\n" for drive, camera in sorted(pictures) if drive in members)
        for split, members in splits.items()
    }


def _remove(names: set[str], output: Path) -> None:
    """Remove files that this tree no longer has, and folders that become empty."""
    for name in names:
        (output / name).unlink(missing_ok=True)
    for folder in {(output / name).parent for name in names} - {output}:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
