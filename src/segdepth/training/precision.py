"""In which precision a run computes: what its configuration asks for, where the device can do it at speed."""

import os
import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

__all__ = ["has_bfloat16_units", "resolve_precision", "run_precision"]

#: What is asked for -> what a run may record of it.
_BECOMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"auto": ("bf16-mixed", "32-true"), "bf16-mixed": ("bf16-mixed", "32-true")}
)

#: Instruction sets that oneDNN, which does a processor's convolutions, may be told to stay at, and that have no bfloat16.
_WITHOUT_BFLOAT16 = {"SSE41", "AVX", "AVX2", "AVX_VNNI", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"}


def has_bfloat16_units(device: torch.device) -> bool | None:
    """Whether a device multiplies bfloat16 numbers in hardware, not by imitation; None where nobody can tell (MPS)."""
    if device.type == "cuda":
        try:
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        except TypeError:  # an older PyTorch, which counts units only
            return bool(torch.cuda.is_bf16_supported())
    return _processor_has_them() if device.type == "cpu" else None


def _processor_has_them() -> bool:
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    if limit.upper() in _WITHOUT_BFLOAT16 or not torch.backends.mkldnn.is_available():
        return False
    if hasattr(torch.cpu, "get_capabilities"):  # bf16 is ARM's
        known: Mapping[str, Any] = torch.cpu.get_capabilities()
        return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        return True
    on_arm = platform.machine().lower() in ("aarch64", "arm64")  # elsewhere the next call says yes to imitation
    return on_arm and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def resolve_precision(asked: str, device: torch.device, begun: str | None = None) -> tuple[str, str]:
    """The precision that a run computes in, and what its user has to be told about it.

    Args:
        asked: ``training.precision``.
        device: of the run.
        begun: the precision of the run that goes on; None for a new one.

    Returns:
        A precision other than ``auto``, and a sentence, mostly empty. ``auto`` stays with what a run was begun in; of a new
        run it makes bfloat16 where the device has the units. Bfloat16 without units is imitated, many times slower than
        float32: float32 takes its place.
    """
    units = has_bfloat16_units(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "this processor"
    if asked == "auto":
        if begun not in _BECOMES["auto"]:
            return ("bf16-mixed" if units else "32-true"), ""
        if begun == "bf16-mixed" and units is False:
            return begun, (
                f"training.precision: the run was begun in bf16-mixed and goes on in it, but {name} has no bfloat16 units "
                "and imitates them, up to ten times slower than float32; training.precision=32-true goes on in float32"
            )
        return begun, ""
    if asked == "bf16-mixed" and units is False:
        return "32-true", (
            f"training.precision: bf16-mixed is replaced by float32, because {name} has no bfloat16 units and would imitate "
            "them, up to ten times slower; write 32-true, or auto, which takes bf16-mixed where there are units"
        )
    return asked, ""


def run_precision(asked: str, recorded: str) -> str:
    """What a run would record that was begun with ``asked``, for comparing it with one that recorded ``recorded``.

    Example:
        >>> run_precision("auto", "bf16-mixed"), run_precision("32-true", "bf16-mixed")
        ('bf16-mixed', '32-true')
    """
    return recorded if recorded in _BECOMES.get(asked, ()) else asked
