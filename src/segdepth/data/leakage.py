"""Whether pictures that are scored come from drives that a network was trained on."""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from .kitti_names import KittiDrive, KittiFrame

__all__ = ["RAW_FRAMES_OF_SEMANTICS", "drive_of", "shared_scenes"]

#: Frame of KITTI semantics -> frame of KITTI raw, for the pictures whose origin is known here by comparing them
#: pixel by pixel. The benchmark's own mapping is longer, and not part of its download.
RAW_FRAMES_OF_SEMANTICS: Mapping[str, KittiFrame] = MappingProxyType(
    {
        "000002_10": KittiFrame(KittiDrive("2011_09_26", "0005"), 2, "0000000010"),
        "000003_10": KittiFrame(KittiDrive("2011_09_26", "0005"), 2, "0000000059"),
    }
)


def drive_of(name: str) -> KittiDrive | None:
    """The KITTI drive that a sample comes from, by its name; None where that is not known.

    Example:
        >>> [drive and drive.scene for drive in map(drive_of, ("2011_09_26_drive_0001_sync_02/0000000010", "000003_10", "a"))]
        ['2011_09_26_drive_0001', '2011_09_26_drive_0005', None]
    """
    origin = RAW_FRAMES_OF_SEMANTICS.get(name)
    return KittiDrive.find(name) if origin is None else origin.drive


def shared_scenes(training: Iterable[str], scored: Iterable[str]) -> dict[str, int]:
    """Drives of which samples are in both: name of the scene -> number of scored samples.

    Args:
        training: names of the samples that a network learned from.
        scored: names of the samples that it is scored on.
    """
    trained = set(map(drive_of, training))
    shared = Counter(drive.scene for drive in map(drive_of, scored) if drive is not None and drive in trained)
    return dict(shared)
