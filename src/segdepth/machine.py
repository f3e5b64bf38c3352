"""What of this machine and its packages matters to segdepth: what is there, what is missing, and what to do about it."""

import os
import platform
import shutil
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path

from packaging.requirements import Requirement

from segdepth.core.errors import SegdepthError, reason
from segdepth.core.processes import usable_cores
from segdepth.core.provenance import HOLDING_BACK, processor
from segdepth.core.reading import read_text
from segdepth.core.words import counted

__all__ = ["Fact", "examine_machine"]

_GIB = 2**30
#: Free bytes below which a training or a study may not end.
_LITTLE_DISK, _LITTLE_MEMORY = 5 * _GIB, 4 * _GIB
#: Extras of those who work on segdepth itself.
_OURS = {"test", "dev", "bench", "docs"}
_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_NVIDIA = Path("/proc/driver/nvidia/version")
#: What a container may use of the processors: microseconds of so many.
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Fact:
    """One thing that was looked at.

    Attributes:
        topic: in a word or two.
        found: what is there.
        advice: what to do, where something can be better; mostly empty.
        broken: whether something that segdepth needs does not work.
    """

    topic: str
    found: str
    advice: str = ""
    broken: bool = False


def examine_machine() -> list[Fact]:
    """Everything, in an order for reading. Imports torch and compiles a small loop: some seconds."""
    return [fact for examiner in EXAMINERS for fact in examiner()]


def _versions() -> Iterator[Fact]:
    yield Fact("segdepth", f"{metadata.version('segdepth')}, Python {platform.python_version()}, {platform.platform()}")


def _torch() -> Iterator[Fact]:
    import torch

    built_for = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for the CPU"
    advice = ""
    if torch.version.cuda and not torch.cuda.is_available():
        smaller = f"the CPU's is 2 GB smaller: pip install torch --index-url {_CPU_INDEX}"
        advice = f"this build finds no GPU here; {'its driver may be too old' if _NVIDIA.exists() else smaller}"
    elif not torch.version.cuda and _NVIDIA.exists():
        advice = (
            "an NVIDIA driver is here: a build for CUDA would use the GPU (https://pytorch.org/get-started/locally)"
        )
    yield Fact("PyTorch", f"{torch.__version__}, {built_for}", advice)


def _cores() -> Iterator[Fact]:
    import torch

    usable, allowed, threads = usable_cores(), _quota(), torch.get_num_threads()
    found = f"{usable} usable of {os.cpu_count()}; PyTorch computes with {counted(threads, 'thread')}"
    advice = ""
    if allowed is not None and allowed < threads:
        found += f"; this container may use {allowed:g}"
        advice = f"threads that wait for each other are slow: export OMP_NUM_THREADS={max(1, int(allowed))}"
    elif threads > usable:
        advice = f"more threads than cores are slow: export OMP_NUM_THREADS={usable}"
    elif threads < usable and "OMP_NUM_THREADS" in os.environ:
        advice = (
            f"OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']} leaves cores idle, unless several commands share them"
        )
    yield Fact("cores", found, advice)


def _quota() -> float | None:
    """Processors that a container may use; None where nothing limits it, or nobody says."""
    with suppress(SegdepthError, ValueError):
        limit, period = read_text(_QUOTA, "what a container may use").split()
        return None if limit == "max" else int(limit) / int(period)
    return None


def _processor() -> Iterator[Fact]:
    import torch

    from segdepth.training.precision import has_bfloat16_units

    about, uses = processor(), torch.backends.cpu.get_cpu_capability()
    sets = about["instruction_sets"]
    advice = ""
    if held := [name for name in HOLDING_BACK if name in os.environ]:
        advice = f"{', '.join(held)} in the environment hold it back"
    elif platform.machine().lower() in ("x86_64", "amd64") and "avx2" not in sets and sets:
        advice = "without AVX2 everything is several times slower"
    yield Fact("processor", f"{about['name'] or platform.machine()}: {' '.join(sets)}; PyTorch uses {uses}", advice)
    units = has_bfloat16_units(torch.device("cpu"))
    yield Fact(
        "bfloat16", "in hardware: training.precision=auto takes it" if units else "no: trainings compute in float32"
    )


def _gpus() -> Iterator[Fact]:
    import torch

    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        yield Fact(f"GPU {index}", f"{torch.cuda.get_device_name(index)}, {_size(free)} free of {_size(total)}")
    if torch.backends.mps.is_available():
        yield Fact("GPU", "Apple's, as --device mps")
    elif not torch.cuda.device_count():
        yield Fact("GPU", "none that PyTorch can use: everything runs on the processor")


def _numba() -> Iterator[Fact]:
    version = metadata.version("numba")
    try:
        loops = import_module("segdepth.saliency.sparse.loops")
        import_module("segdepth.saliency.sparse.kernels")
        where = getattr(loops.measure._cache, "cache_path", None)
    except Exception as error:
        yield Fact("Numba", f"{version}, which does not work: {reason(error)}",
                   "saliency falls back on other engines; pip install --force-reinstall numba", broken=True)  # fmt: skip
        return
    if where is None:
        yield Fact("Numba", f"{version}, finds no folder to keep what it compiles",
                   "loops are compiled at every start, half a minute: export NUMBA_CACHE_DIR=a/folder")  # fmt: skip
    else:
        yield Fact("Numba", f"{version}, keeps what it compiles in {where}")


def _memory() -> Iterator[Fact]:
    import torch

    from segdepth.saliency.memory import free_memory

    free = free_memory(torch.device("cpu"))
    advice = (
        "saliency takes fewer pixels at a time; train with a smaller training.batch_size"
        if free < _LITTLE_MEMORY
        else ""
    )
    yield Fact("memory", f"{_size(free)} free", advice)


def _disk() -> Iterator[Fact]:
    for topic, folder in (("disk", Path.cwd()), ("temporary", Path(tempfile.gettempdir()))):
        writable, free = os.access(folder, os.W_OK), shutil.disk_usage(folder).free
        advice = f"cannot write to {folder}: work in another folder" if not writable else ""
        if not advice and free < _LITTLE_DISK:
            advice = "a training keeps two or three checkpoints, a study of thousands of pixels gigabytes: make room"
        yield Fact(topic, f"{_size(free)} free in {folder}", advice, broken=not writable)


def _extras() -> Iterator[Fact]:
    extras: dict[str, list[Requirement]] = {
        name: [] for name in metadata.metadata("segdepth").get_all("Provides-Extra") or () if name not in _OURS
    }
    for requirement in map(Requirement, metadata.requires("segdepth") or ()):
        for name, needs in extras.items():
            if requirement.marker is not None and requirement.marker.evaluate({"extra": name}):
                needs.append(requirement)
    for name, needs in extras.items():
        yield _extra(name, needs)


def _extra(name: str, needs: list[Requirement]) -> Fact:
    there, advice = [], ""
    for need in needs:
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            return Fact(f"extra {name}", f"not installed: pip install 'segdepth[{name}]'")
        if not need.specifier.contains(version, prereleases=True):
            advice = f"{need.name} {version} is not {need.specifier}: pip install 'segdepth[{name}]'"
        there.append(f"{need.name} {version}")
    if name == "torchvision":  # its binary must match torch's, and other libraries import it unasked
        try:
            import_module("torchvision")
        except Exception as error:
            return Fact(f"extra {name}", f"{', '.join(there)}, which cannot be imported: {reason(error)}",
                        "install the torchvision of this torch, or none: pip uninstall torchvision", broken=True)  # fmt: skip
    return Fact(f"extra {name}", ", ".join(there), advice, broken=bool(advice))


def _browser() -> Iterator[Fact]:
    try:
        yield Fact("browser", webbrowser.get().name)
    except (webbrowser.Error, AttributeError):
        yield Fact(
            "browser",
            "none",
            "segdepth explore prints an address; from your own machine: ssh -L 8641:localhost:8641 THIS_ONE",
        )


#: What is looked at, in the order of reading.
EXAMINERS: tuple[Callable[[], Iterator[Fact]], ...] = (
    _versions, _torch, _cores, _processor, _gpus, _numba, _memory, _disk, _extras, _browser,
)  # fmt: skip


def _size(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"
