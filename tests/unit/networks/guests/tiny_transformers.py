"""Tiny networks of transformers, as folders."""

import json
from pathlib import Path
from typing import Any

import pytest

hf: Any = pytest.importorskip("transformers", reason="needs the package transformers")

#: Of SegFormer and GLPN.
SMALL: dict[str, Any] = {
    "depths": [1, 1, 1, 1], "hidden_sizes": [4, 4, 8, 8], "num_attention_heads": [1, 1, 2, 2], "mlp_ratios": [2, 2, 2, 2],
    "decoder_hidden_size": 8,
}  # fmt: skip


def segformer(classes: int = 3, **settings: Any) -> Any:
    return hf.SegformerForSemanticSegmentation(hf.SegformerConfig(**SMALL | settings, num_labels=classes))


def folder_of(module: Any, where: Path, **processing: Any) -> Path:
    """What ``save_pretrained`` leaves, and how its pictures are prepared."""
    bars = hf.utils.logging
    bars.disable_progress_bar()
    try:
        module.save_pretrained(where)
    finally:
        bars.enable_progress_bar()
    if processing:
        (where / "preprocessor_config.json").write_text(json.dumps(processing))
    return where


def change(folder: Path, **settings: Any) -> None:
    """Say something else in a folder's configuration; None takes a key away."""
    path = folder / "config.json"
    found = json.loads(path.read_text()) | settings
    path.write_text(json.dumps({key: value for key, value in found.items() if value is not None}))
