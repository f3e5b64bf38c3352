"""What fits into a processor's registers and caches."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from numba import config

from segdepth.saliency.sparse import processor
from segdepth.saliency.sparse.processor import AVX2, AVX512, NEON, Processor, this_processor


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    this_processor.cache_clear()
    yield
    this_processor.cache_clear()


@pytest.mark.parametrize("one", [AVX512, AVX2, NEON, replace(AVX2, first_level=48 << 10)], ids=lambda one: one.name)
def test_sums_row_and_weight_fit_into_the_registers(one: Processor) -> None:
    blocking = one.blocking
    for vectors in range(1, blocking.vectors + 1):
        channels = blocking.channels(vectors)
        assert 1 <= channels <= 8
        assert channels * vectors + vectors + 1 <= one.registers
        assert channels * vectors >= 8  # which hide the time of a multiply-add
    row_bytes = blocking.vectors * one.vector_bytes
    assert blocking.units * (row_bytes + 2 * 8) <= one.first_level / 2
    assert blocking.units > 32
    assert 8 * blocking.weight_bytes == one.last_level


@pytest.mark.parametrize(
    ("features", "vector_bytes", "registers"),
    [("+sse2", 16, 16), ("+sse2,+avx2", 32, 16), ("+avx2,+avx512f", 64, 32)],
)
def test_a_processor_that_is_held_back(
    features: str, vector_bytes: int, registers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "CPU_NAME", "some")
    monkeypatch.setattr(config, "CPU_FEATURES", features)
    monkeypatch.setattr(processor.llvm, "get_process_triple", lambda: "x86_64-unknown-linux-gnu")
    found = this_processor()
    assert (found.name, found.features) == ("some", features)
    assert (found.vector_bytes, found.registers) == (vector_bytes, registers)


def test_arm_has_registers_but_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CPU_NAME", "apple-m1")
    monkeypatch.setattr(config, "CPU_FEATURES", "+neon")
    monkeypatch.setattr(processor.llvm, "get_process_triple", lambda: "arm64-apple-darwin")
    assert (this_processor().vector_bytes, this_processor().registers) == (16, 32)


def fails(_: str) -> int:
    raise ValueError("unrecognized configuration name")


@pytest.mark.parametrize("sysconf", [lambda _: 0, fails])
def test_caches_that_the_system_does_not_know_are_the_usual(
    sysconf: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor.os, "sysconf", sysconf)
    found = this_processor()
    assert (found.first_level, found.last_level) == (Processor.first_level, Processor.last_level)


def test_caches_are_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_LEVEL1_DCACHE_SIZE": 48 << 10, "SC_LEVEL3_CACHE_SIZE": 64 << 20}
    monkeypatch.setattr(processor.os, "sysconf", sizes.__getitem__)
    found = this_processor()
    assert (found.first_level, found.last_level) == (48 << 10, 64 << 20)
