"""What the ancestor's code computed, exactly, so that its checkpoints give the same numbers: one subclass of each paper's class.

Where that differs from the papers, and why, is in docs/differences.md.
"""

from typing import TYPE_CHECKING

from segdepth.core.tables import LazyTable

if TYPE_CHECKING:
    from .network import LegacyNetwork

__all__ = ["LEGACY"]

#: By the paper's name in the table of networks, imported when picked. Their options are the paper's.
LEGACY: "LazyTable[type[LegacyNetwork]]" = LazyTable(
    {
        "fcn8s": "segdepth.networks.legacy.fcn:LegacyFCN8s",
        "frrn": "segdepth.networks.legacy.frrn:LegacyFRRN",
        "segnet": "segdepth.networks.legacy.segnet:LegacySegNet",
        "deeplab": "segdepth.networks.legacy.deeplab:LegacyDeepLab",
        "dispnet": "segdepth.networks.legacy.dispnet:LegacyDispNet",
        "fcrn": "segdepth.networks.legacy.fcrn:LegacyFCRN",
    }
)
