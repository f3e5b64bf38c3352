"""The inner loop: what it computes, and what LLVM makes of it for processors that are not here."""

import re
from ctypes import CFUNCTYPE, c_int64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from segdepth.saliency.boxes import Reach
from segdepth.saliency.engines import Traced
from segdepth.saliency.graphs import Function
from segdepth.saliency.seeds import Seeds
from segdepth.saliency.sparse import SparsePass
from segdepth.saliency.sparse.point import ARGUMENTS, assembly, point_function
from segdepth.saliency.sparse.processor import AVX2, AVX512, NEON, Processor, this_processor

PROCESSORS = {"avx512": AVX512, "avx2": AVX2, "neon": NEON}

#: One instruction of several sums; what is read or written on the stack.
MULTIPLY_ADD = re.compile(r"\s(vfn?madd\w+p[sd]|fmla)\b|\sfmla\.")
STACK = re.compile(r"\(%rsp|\[sp|\[x29")


def loops(text: str) -> list[list[str]]:
    """The instructions of each innermost loop with sums in it."""
    lines = [line.split("##")[0].split("#")[0].rstrip() for line in text.splitlines()]
    labels = {line.rstrip(":"): number for number, line in enumerate(lines) if line.endswith(":")}
    found = []
    for number, line in enumerate(lines):
        target = line.split()[-1] if line.strip() else ""
        if re.match(r"\s(j|b|cb)", line) and labels.get(target, number) < number:
            body = [one for one in lines[labels[target] + 1 : number + 1] if re.match(r"\s[a-z]", one)]
            inner = any(one.endswith(":") for one in lines[labels[target] + 1 : number])
            if not inner and any(MULTIPLY_ADD.search(one) for one in body):
                found.append(body)
    return found


@pytest.mark.parametrize("vectors", [1, 2, 3, 4])
@pytest.mark.parametrize("item", [4, 8])
@pytest.mark.parametrize("name", PROCESSORS)
def test_hot_loops_touch_no_stack_and_load_each_number_once(name: str, item: int, vectors: int) -> None:
    processor = PROCESSORS[name]
    most = processor.blocking.channels(vectors := min(vectors, processor.blocking.vectors))
    found = loops(assembly(processor, item, vectors))
    sums = [sum(bool(MULTIPLY_ADD.search(line)) for line in body) for body in found]
    assert sorted(sums) == [vectors * channels for channels in range(1, most + 1)]
    for body, count in zip(found, sums, strict=True):
        assert not [line for line in body if STACK.search(line)]
        # the row's vectors, a weight for each channel, two addresses, and the loop's own
        assert len(body) <= count + vectors + count // vectors + 2 + 4


@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=PROCESSORS)
def test_enough_sums_hide_what_a_multiply_add_takes(processor: Processor) -> None:
    blocking = processor.blocking
    for vectors in range(1, blocking.vectors + 1):
        assert 8 <= vectors * blocking.channels(vectors) <= processor.registers - vectors - 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("begin", [0, 1, 2])
def test_every_number_of_channels_and_units(dtype: Any, begin: int) -> None:
    draw, processor = np.random.default_rng(0), this_processor()
    item = np.dtype(dtype).itemsize
    for vectors in range(1, processor.blocking.vectors + 1):
        lanes = vectors * processor.vector_bytes // item
        for count in range(2 * processor.blocking.channels(vectors) + 2):
            for units in (0, 1, 2, 7):
                above, named = (draw.standard_normal((9, lanes)).astype(dtype) for _ in range(2))
                there = draw.standard_normal((count, lanes)).astype(dtype)
                weights = draw.standard_normal((units, 40)).astype(dtype)
                channels = np.sort(draw.choice(40, count, replace=False)).astype(np.uint16)
                some, which = draw.integers(0, 9, units), draw.integers(0, 9, count)
                rows = above.ctypes.data + some * lanes * item
                lines = weights.ctypes.data + np.arange(units) * 40 * item
                names = named.ctypes.data + which * lanes * item
                expected = (0, there, named[which])[begin] + weights[:, channels].T @ above[some]
                arguments = np.zeros(ARGUMENTS, np.int64)
                arguments[:] = (
                    units, rows.ctypes.data, lines.ctypes.data, channels.ctypes.data, count, there.ctypes.data, begin,
                    names.ctypes.data,
                )  # fmt: skip
                CFUNCTYPE(None, c_int64)(point_function(processor, item, vectors))(arguments.ctypes.data)
                np.testing.assert_allclose(there, expected, rtol=0, atol=30 * np.finfo(dtype).eps)


class Branches(nn.Module):
    """Groups, strides, sums and a concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 40, 3, padding=1)
        self.b = nn.Conv2d(40, 40, 3, padding=2, dilation=2, groups=2)
        self.c = nn.Conv2d(80, 24, 3, stride=2, padding=1)
        self.d = nn.ConvTranspose2d(24, 5, 4, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.a(x).relu()
        b = a + self.b(a).relu()
        found: torch.Tensor = self.d(self.c(torch.cat([a, b], 1)).relu())
        return found


def test_widths_and_blocks_do_not_change_a_byte() -> None:
    """Each lane is one target's sum, in one order: whoever joins a study from another processor finds the same numbers."""
    torch.manual_seed(0)
    net, image = Branches().eval().requires_grad_(False), torch.randn(3, 20, 28)
    window = (0, 20), (0, 28)
    traced = Traced.at(Function(net, net).graph(image), image, window)
    reach = Reach(traced.graph, window)
    pixels = [(r, c) for r in (8, 12) for c in (9, 13)]
    here = this_processor()
    processors = [
        here,
        replace(here, first_level=2048),
        replace(here, last_level=16 << 10),
        *(replace(here, vector_bytes=size, registers=16) for size in (16, 32) if size <= here.vector_bytes),
    ]
    found = []
    for processor in processors:
        backward = SparsePass(traced.graph, traced.state, traced.tail.last, reach, processor)
        boxes, values = Seeds(traced.output, pixels, [1] * 4).behind(list(range(4)), reach)
        found.append(backward.gradients(traced.tail.back(values, boxes), boxes).contiguous())
    assert found[0].abs().amax() > 0
    for other in found[1:]:
        assert torch.equal(found[0], other)
