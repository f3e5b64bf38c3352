"""Groups in halves where memory runs out, and how much of it there is."""

import pytest
import torch

from segdepth.saliency.memory import free_memory, in_halves


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
    ids=["allocator", "cpu", "cuda", "cublas", "numpy"],
)
def test_running_out_of_memory_halves_the_chunk(error: Exception) -> None:
    sizes = []

    def step(group: list[int]) -> int:
        sizes.append(len(group))
        if len(group) > 2:
            raise error
        return sum(group)

    assert list(in_halves(list(range(7)), step)) == [([0], 0), ([1, 2], 3), ([3, 4], 7), ([5, 6], 11)]
    assert sizes == [7, 3, 1, 2, 4, 2, 2]
    with pytest.raises(RuntimeError, match="other"):
        list(in_halves([1, 2], lambda _: (_ for _ in ()).throw(RuntimeError("other"))))


def test_what_pytorch_keeps_of_a_gpu_for_its_next_tensors_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 50)
    assert free_memory(torch.device("cuda")) == 750
