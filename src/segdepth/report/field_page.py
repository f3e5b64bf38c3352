"""Receptive fields: a figure for each network, one table, one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segdepth.core.files import write_json
from segdepth.core.provenance import provenance
from segdepth.core.words import as_file_name
from segdepth.saliency.receptive_field import EffectiveField, TheoreticalField

from .figures import figure_files, save_figure
from .page import image_uri, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FieldReport", "draw_field", "extents", "field_facts", "whole_text", "write_fields"]

#: Share of the peak at which the pictures' colours end: below it is nothing to see.
_FLOOR = 1e-4

#: Of pages in the dark, as their style has it.
_DARK_GROUND = "#101216"


@dataclass(frozen=True)
class FieldReport:
    """One network's receptive fields.

    Attributes:
        name: network and task.
        theoretical: None where the network holds an operation that cannot be taken apart.
        effective: measured.
        unknown: that operation.
    """

    name: str
    theoretical: TheoreticalField | None
    effective: EffectiveField
    unknown: str = ""


def field_facts(report: FieldReport) -> dict[str, Any]:
    """Plain data for JSON: lengths in pixels."""
    effective, theoretical = report.effective, report.theoretical
    facts: dict[str, Any] = {
        "network": report.name,
        "pixel": list(effective.pixel),
        "pictures": effective.pictures,
        "pictures_without_gradient": effective.dead,
        "radius_holding": {f"{share:g}": radius for share, radius in effective.radii.items()},
        "two_sigma": 2 * effective.sigma,
        "effective_pixels_at_two_sigma": effective.area,
        "theoretical": None,
        "unknown_operation": report.unknown or None,
    }
    if theoretical is not None:
        facts["theoretical"] = {
            "rows": list(theoretical.box[0]),
            "columns": list(theoretical.box[1]),
            "whole": list(theoretical.whole),
            "clipped_by_the_picture": theoretical.clipped,
            "layers": [
                {"layer": layer.name, "stride": [str(s) for s in layer.stride], "field": list(layer.field),
                 "window": list(layer.window)}
                for layer in theoretical.layers
            ],
        }  # fmt: skip
    return facts


def draw_field(
    report: FieldReport, *, formats: tuple[str, ...] = ("png", "svg"), dark: bool = False
) -> dict[str, bytes]:
    """The effective field in logarithmic colours, its discs of 50, 90 and 95 %, and the theoretical field's frame.

    Args:
        report: of one network.
        formats: file endings.
        dark: for a dark page: its colours cannot be turned round as those of lines can.

    Returns:
        Format -> the file.
    """
    import matplotlib as mpl
    import matplotlib.style

    ground = dict.fromkeys(("figure.facecolor", "savefig.facecolor"), _DARK_GROUND)
    with mpl.style.context(["dark_background", ground] if dark else []):
        return figure_files(_figure(report), formats, dpi=130)


def _figure(report: FieldReport) -> "Figure":
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle, Rectangle
    from matplotlib.patheffects import withStroke

    field = report.effective
    values = field.map.cpu().numpy()
    height, width = values.shape
    edge = withStroke(linewidth=2.8, foreground="#0f172a")  # to be seen on any of the map's colours
    figure = Figure(figsize=(8.0, max(2.2, 8.0 * height / width + 0.9)), layout="constrained")
    axes = figure.subplots()
    relative = np.maximum(values / max(float(values.max()), 1e-300), _FLOOR)
    shown = axes.imshow(relative, cmap="magma", norm=LogNorm(_FLOOR, 1), interpolation="nearest")
    for (share, radius), style in zip(field.radii.items(), ("-", "--", ":"), strict=True):
        disc = Circle(field.pixel[::-1], radius, fill=False, edgecolor="#38bdf8", linestyle=style, linewidth=1.6)
        disc.set_path_effects([edge])
        disc.set_label(f"{share:.0%} of the gradient: {radius:.0f} px")
        axes.add_patch(disc)
    if report.theoretical is not None:
        (top, bottom), (left, right) = report.theoretical.box
        frame = Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, edgecolor="#4ade80",
                          linewidth=1.6)  # fmt: skip
        frame.set_path_effects([edge])
        frame.set_label(f"theoretical: {whole_text(report.theoretical)}")
        axes.add_patch(frame)
    axes.plot(field.pixel[1], field.pixel[0], "+", color="white", markersize=7)
    margin = 0.015 * max(height, width)  # a field as large as the picture has its frame on the picture's edge
    axes.set_xlim(-0.5 - margin, width - 0.5 + margin)
    axes.set_ylim(height - 0.5 + margin, -0.5 - margin)
    axes.set_xlabel("column (pixels)", fontsize=7)
    axes.set_ylabel("row (pixels)", fontsize=7)
    axes.tick_params(labelsize=7)
    figure.colorbar(shown, ax=axes, fraction=0.025, pad=0.01).ax.tick_params(labelsize=7)
    figure.suptitle(f"{report.name}: mean absolute gradient, share of its peak", fontsize=9, x=0.02, ha="left")
    figure.legend(loc="outside lower center", ncols=2, fontsize=7, frameon=False)
    return figure


def whole_text(field: TheoreticalField) -> str:
    """Rows x columns in a picture large enough, and those in this picture if its border cuts the field."""
    whole, here = extents(field)
    return whole + (f", {here} of it in the picture" if field.clipped else "")


def extents(field: TheoreticalField) -> tuple[str, str]:
    """Rows x columns in a picture large enough, and in this one."""
    (top, bottom), (left, right) = field.box
    whole = "unbounded" if None in field.whole else f"{field.whole[0]}x{field.whole[1]}"
    return whole, f"{bottom - top}x{right - left}"


def write_fields(reports: Sequence[FieldReport], folder: Path, *, source: str) -> Path:
    """Write ``index.html``, ``fields.json`` and a figure for each network as PNG and SVG; returns the page.

    Args:
        reports: of the networks.
        folder: made if need be.
        source: of the pictures, in words.
    """
    figures = {report.name: save_figure(draw_field(report), folder, _stem(report.name)) for report in reports}
    dark = {report.name: image_uri(draw_field(report, formats=("png",), dark=True)["png"]) for report in reports}
    write_json(folder / "fields.json", {"pictures": source, "networks": [field_facts(r) for r in reports]})
    page = folder / "index.html"
    values = {"reports": reports, "figures": figures, "dark": dark, "source": source, "provenance": provenance()}
    write_page(page, "fields.html", values, {"whole": whole_text})
    return page


def _stem(name: str) -> str:
    """A file's name."""
    return as_file_name("_".join(name.replace("(", "").replace(")", "").replace(".", "").split()))
