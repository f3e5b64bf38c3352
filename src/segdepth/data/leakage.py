"""Whether pictures that are scored come from drives that a network was trained on."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

__all__ = ["RAW_FRAMES_OF_SEMANTICS", "scene_of", "shared_scenes"]

#: Frame of KITTI semantics -> drive and frame of KITTI raw, for the pictures whose origin is known here by comparing them
#: pixel by pixel. The benchmark's own mapping is longer, and not part of its download.
RAW_FRAMES_OF_SEMANTICS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "000002_10": ("2011_09_26_drive_0005_sync", "0000000010"),
        "000003_10": ("2011_09_26_drive_0005_sync", "0000000059"),
    }
)

_DRIVE = re.compile(r"\d{4}_\d\d_\d\d_drive_\d+")


def scene_of(name: str) -> str | None:
    """The KITTI drive that a sample comes from, by its name; None where that is not known.

    Example:
        >>> scene_of("2011_09_26_drive_0005_sync_02/0000000010"), scene_of("000003_10"), scene_of("000004_10")
        ('2011_09_26_drive_0005', '2011_09_26_drive_0005', None)
    """
    drive = RAW_FRAMES_OF_SEMANTICS[name][0] if name in RAW_FRAMES_OF_SEMANTICS else name
    match = _DRIVE.search(drive)
    return match[0] if match else None


def shared_scenes(training: Iterable[str], scored: Iterable[str]) -> dict[str, int]:
    """Drives of which samples are in both: drive -> number of scored samples.

    Args:
        training: names of the samples that a network learned from.
        scored: names of the samples that it is scored on.
    """
    trained = {scene for name in training if (scene := scene_of(name)) is not None}
    shared: dict[str, int] = {}
    for name in scored:
        scene = scene_of(name)
        if scene in trained and scene is not None:
            shared[scene] = shared.get(scene, 0) + 1
    return shared
