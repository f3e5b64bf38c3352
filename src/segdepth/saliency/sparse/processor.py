"""What native loops have to fit: vectors, registers and caches of a processor."""

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm
from numba import config

__all__ = ["AVX2", "AVX512", "NEON", "Blocking", "Processor", "this_processor"]

LINUX = "x86_64-unknown-linux-gnu"


@dataclass(frozen=True)
class Blocking:
    """What of the sparse engine's sums stays where.

    Attributes:
        vectors: of a row of targets that are held in registers, at most.
        sums: vectors of sums that are held in registers, at most.
        units: above whose rows are held in the first-level cache together.
        weight_bytes: of weights that are held in a core's share of the last cache together.
    """

    vectors: int
    sums: int
    units: int
    weight_bytes: int

    def channels(self, vectors: int) -> int:
        """Whose sums are held in registers together, at most, for rows of so many vectors.

        Eight are as many as there are registers for their places.
        """
        return min(8, self.sums // vectors)


@dataclass(frozen=True)
class Processor:
    """A processor as LLVM and the caches see it.

    Attributes:
        name: LLVM's.
        features: LLVM's, beyond those that the name says.
        vector_bytes: of one vector register.
        registers: vector registers.
        first_level: bytes of a core's first data cache.
        last_level: bytes of the last cache, of all cores.
        triple: LLVM's name of the platform; of this one by default.
    """

    name: str
    features: str
    vector_bytes: int
    registers: int
    first_level: int = 32 << 10
    last_level: int = 16 << 20
    triple: str | None = None

    @property
    def blocking(self) -> Blocking:
        """Of 32 registers 4 x 6 are sums, of 16 registers 3 x 4; the others hold the row and a weight.

        Each vector of a row is loaded once for all channels, and each weight once for all vectors: with fewer of either, loads
        would decide. Eight sums hide the time that a multiply-add takes. Half of the first-level cache is for rows, each with the
        two addresses by which it and its weights are found; and eight cores may share the last one.
        """
        vectors, channels = (4, 6) if self.registers >= 32 else (3, 4)
        row_bytes = vectors * self.vector_bytes
        return Blocking(vectors, vectors * channels, self.first_level // 2 // (row_bytes + 32), self.last_level // 8)


AVX512 = Processor("skylake-avx512", "", 64, 32, triple=LINUX)
AVX2 = Processor("haswell", "", 32, 16, triple=LINUX)
NEON = Processor("apple-m1", "", 16, 32, first_level=64 << 10, triple="arm64-apple-darwin")


@lru_cache(maxsize=1)
def this_processor() -> Processor:
    """The one that runs this. ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` hold it back, as they hold Numba back."""
    settings: Any = config
    name = settings.CPU_NAME or llvm.get_host_cpu_name()
    features = settings.CPU_FEATURES
    features = llvm.get_host_cpu_features().flatten() if features is None else features
    wide, arm = "+avx512f" in features, llvm.get_process_triple().startswith(("aarch64", "arm64"))
    return Processor(
        name, features, 64 if wide else 32 if "+avx2" in features else 16, 32 if wide or arm else 16,
        _cache("SC_LEVEL1_DCACHE_SIZE", Processor.first_level), _cache("SC_LEVEL3_CACHE_SIZE", Processor.last_level),
    )  # fmt: skip


def _cache(name: str, usual: int) -> int:
    """Bytes; the usual ones where the system does not say."""
    try:
        return os.sysconf(name) or usual
    except (AttributeError, OSError, ValueError):
        return usual
