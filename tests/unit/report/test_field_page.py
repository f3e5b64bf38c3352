"""The page of receptive fields."""

from pathlib import Path

import cv2
import numpy as np
import torch

from segdepth.report.field_page import FieldReport, draw_field, write_fields
from segdepth.saliency.receptive_field import EffectiveField

MAP = torch.rand(24, 48, dtype=torch.float64)


def report(name: str = "net seg") -> FieldReport:
    radii = {0.5: 4.0, 0.9: 9.0, 0.95: 11.0}
    field = EffectiveField(map=MAP, pixel=(12, 24), radii=radii, sigma=5.0, area=70, dead=0, pictures=1)
    return FieldReport(name, None, field, "some_operation")


def corner(png: bytes) -> list[int]:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[0, 0].tolist()


def test_a_dark_page_has_a_dark_figure() -> None:
    assert corner(draw_field(report(), formats=("png",))["png"]) == [255, 255, 255]
    assert corner(draw_field(report(), formats=("png",), dark=True)["png"]) == [0x16, 0x12, 0x10]


def test_the_page_has_both_and_files_are_for_paper(tmp_path: Path) -> None:
    text = write_fields([report("<b>net</b>")], tmp_path, source="noise").read_text()
    assert text.count("data:image/png") == 2
    assert '<source media="screen and (prefers-color-scheme: dark)" srcset="data:' in text
    assert "&lt;b&gt;net" in text
    assert "<b>net" not in text
    assert "not known: some_operation" in text
    (figure,) = tmp_path.glob("*.png")
    assert corner(figure.read_bytes()) == [255, 255, 255]
