"""What stands in a make-believe street: each function adds one object, with dice for its looks."""

import math

from numpy.random import Generator

from ..labels import CITYSCAPES
from .parts import Colour, Cut, Material, Parts, Pose, Skin

__all__ = [
    "LABEL",
    "bicycle",
    "bus",
    "car",
    "cyclist",
    "fence",
    "hedge",
    "house",
    "lamp_post",
    "motorcycle",
    "person",
    "shade",
    "traffic_light",
    "traffic_sign",
    "train",
    "tree",
    "truck",
    "wall",
]

#: Train id of each class, by name.
LABEL = {name: train_id for train_id, name in enumerate(CITYSCAPES.names)}

_PAINTS: tuple[Colour, ...] = (
    (0.85, 0.85, 0.86), (0.6, 0.62, 0.64), (0.35, 0.36, 0.38), (0.1, 0.1, 0.11), (0.12, 0.16, 0.32),
    (0.5, 0.07, 0.07), (0.2, 0.32, 0.5), (0.15, 0.3, 0.2), (0.55, 0.5, 0.4), (0.75, 0.55, 0.12),
    (0.4, 0.24, 0.16),
)  # fmt: skip
_PLASTERS: tuple[Colour, ...] = (
    (0.78, 0.7, 0.56), (0.72, 0.66, 0.6), (0.62, 0.6, 0.58), (0.82, 0.78, 0.7), (0.68, 0.5, 0.4),
    (0.5, 0.33, 0.26), (0.58, 0.4, 0.32), (0.74, 0.64, 0.42), (0.56, 0.6, 0.62), (0.42, 0.4, 0.4),
    (0.66, 0.7, 0.62), (0.8, 0.66, 0.6),
)  # fmt: skip
_CLOTHES: tuple[Colour, ...] = (
    (0.12, 0.13, 0.2), (0.08, 0.08, 0.09), (0.3, 0.3, 0.32), (0.5, 0.12, 0.12), (0.75, 0.74, 0.7),
    (0.2, 0.3, 0.5),
    (0.3, 0.35, 0.2), (0.6, 0.5, 0.2), (0.4, 0.2, 0.4), (0.62, 0.58, 0.48),
)  # fmt: skip
_GLASS: Colour = (0.1, 0.12, 0.14)
_TYRE: Colour = (0.06, 0.06, 0.065)
_CHROME: Colour = (0.5, 0.51, 0.53)
_WOOD: Colour = (0.3, 0.22, 0.15)


def shade(dice: Generator, rgb: Colour, spread: float = 0.12) -> Colour:
    """A colour near ``rgb``: brightness and each channel changed by up to about ``spread``, relative."""
    bright, *tints = dice.uniform(-spread, spread, 4).tolist()
    red, green, blue = (
        min(1.0, max(0.02, value * (1 + bright) * (1 + 0.4 * tint))) for value, tint in zip(rgb, tints, strict=True)
    )
    return red, green, blue


def _choice(dice: Generator, colours: tuple[Colour, ...], spread: float = 0.15) -> Colour:
    return shade(dice, colours[int(dice.integers(len(colours)))], spread)


def _sides(parts: Parts, pose: Pose, right: float, up: float, forward: float, radius: float, skin: Skin) -> None:
    """A disc on either side of an object, looking sideways."""
    for side in (-1.0, 1.0):
        parts.disc(pose.at(side * right, forward).turned(math.pi / 2), (0, up, 0), radius, skin)


def _wheels(parts: Parts, pose: Pose, half_width: float, radius: float, places: tuple[float, ...], label: int) -> None:
    for forward in places:
        _sides(parts, pose, half_width + 0.012, radius, forward, radius, Skin(label, _TYRE))
        _sides(parts, pose, half_width + 0.02, radius, forward, 0.55 * radius, Skin(label, _CHROME))
        size = (2 * half_width, 1.3 * radius, 1.3 * radius)
        parts.box(pose, (0, 0.03, forward), size, Skin(label, _TYRE))


def _lamps(parts: Parts, pose: Pose, half_width: float, up: float, length: float, label: int) -> None:
    """White lamps in front, red ones behind, and a plate."""
    front, back = Skin(label, (0.9, 0.9, 0.85)), Skin(label, (0.6, 0.05, 0.05))
    for side in (-1.0, 1.0):
        parts.box(pose, (side * 0.78 * half_width, up, length / 2), (0.34, 0.15, 0.05), front)
        parts.box(pose, (side * 0.8 * half_width, up, -length / 2), (0.28, 0.2, 0.05), back)
    for end in (-1.0, 1.0):
        parts.box(pose, (0, up - 0.25, end * length / 2), (0.5, 0.11, 0.04), Skin(label, (0.85, 0.84, 0.75)))


def car(parts: Parts, dice: Generator, pose: Pose) -> float:
    """A car of one of three shapes; its length in metres."""
    label = LABEL["car"]
    body_style = int(dice.integers(3))  # saloon, hatchback, van
    length = (4.6, 3.9, 4.9)[body_style] * dice.uniform(0.93, 1.07)
    width = (1.8, 1.72, 1.95)[body_style] * dice.uniform(0.96, 1.04)
    total = (1.45, 1.48, 2.0)[body_style] * dice.uniform(0.96, 1.06)
    belt = (0.92, 0.93, 1.1)[body_style]
    paint = _choice(dice, _PAINTS)
    body = Skin(label, paint, pattern=(0.05, 0, 0, 0))
    parts.box(pose, (0, 0.24, 0), (width, 0.42, length), body, taper=(1.0, 1.0))
    parts.box(pose, (0, 0.66, 0), (width, belt - 0.66, length), body, taper=(0.95, 0.96))
    cabin = (0.56, 0.68, 0.8)[body_style] * length
    back = (-0.05, -0.14, -0.09)[body_style] * length
    slope = (0.66, 0.76, 0.84)[body_style]
    glass = Skin(label, shade(dice, _GLASS, 0.4))
    parts.box(
        pose,
        (0, belt, back),
        (0.94 * width, total - belt - 0.04, cabin),
        glass,
        taper=(0.84, slope),
        lean=-0.02 * length,
    )
    roof = (0.81 * width, 0.06, slope * cabin * 1.02)
    parts.box(pose, (0, total - 0.05, back - 0.02 * length), roof, body)
    pillar = Skin(label, paint)
    for side in (-1.0, 1.0):
        size = (0.05, total - belt - 0.04, 0.12)
        parts.box(pose, (side * 0.435 * width, belt, back - 0.03 * length), size, pillar, taper=(1, 0.8))
    _wheels(parts, pose, width / 2 - 0.02, 0.31, (-0.31 * length, 0.32 * length), label)
    _lamps(parts, pose, width / 2, 0.66, length, label)
    return float(length)


def truck(parts: Parts, dice: Generator, pose: Pose) -> float:
    """A lorry with a cargo box, or a flat bed with sides; its length in metres."""
    label = LABEL["truck"]
    length, width = dice.uniform(6.5, 10.5), dice.uniform(2.2, 2.5)
    top, cab_length = dice.uniform(2.7, 3.7), dice.uniform(1.7, 2.2)
    cab = Skin(label, _choice(dice, _PAINTS))
    front = length / 2 - cab_length / 2
    cab_top = min(top, dice.uniform(2.3, 2.9))
    parts.box(pose, (0, 0.5, front), (0.96 * width, cab_top - 0.5, cab_length), cab, taper=(0.97, 0.88), lean=-0.1)
    parts.box(
        pose,
        (0, 1.45, front + 0.06),
        (0.9 * width, 0.65, cab_length),
        Skin(label, _GLASS),
        taper=(1, 0.93),
        lean=-0.06,
    )
    for side in (-1.0, 1.0):
        window = (side * 0.476 * width, 1.45, front + 0.25)
        parts.box(pose, window, (0.06, 0.6, 0.5 * cab_length), Skin(label, _GLASS))
    cargo_rgb = (0.88, 0.88, 0.86) if dice.random() < 0.5 else _choice(dice, _PAINTS)
    cargo = Skin(label, shade(dice, cargo_rgb, 0.06), Material.BOARDS, (0.6, 0.06, 0, 0))
    height = top - 0.95 if dice.random() < 0.8 else 0.7
    bed = length - cab_length - 0.15
    parts.box(pose, (0, 0.95, -cab_length / 2 - 0.07), (width, height, bed), cargo, top_rgb=cargo_rgb)
    parts.box(pose, (0, 0.55, -0.2), (0.8 * width, 0.4, length - 0.6), Skin(label, (0.12, 0.12, 0.12)))
    places = (-0.36 * length, -0.36 * length + 1.1, front)
    _wheels(parts, pose, width / 2 - 0.03, 0.46, places, label)
    _lamps(parts, pose, width / 2, 0.75, length, label)
    return float(length)


def _coach(
    parts: Parts,
    dice: Generator,
    pose: Pose,
    label: int,
    length: float,
    width: float,
    top: float,
    paint: Colour,
) -> None:
    """The body that buses and trams share: a long box with a band of windows."""
    band = shade(dice, (0.85, 0.85, 0.82), 0.1)
    body = Skin(label, paint, pattern=(0.04, 0, 0, 0))
    parts.box(pose, (0, 0.32, 0), (width, top - 0.32, length), body, top_rgb=band)
    parts.box(
        pose,
        (0, 0.32, 0),
        (width + 0.02, 0.35, length + 0.02),
        Skin(label, shade(dice, (0.2, 0.2, 0.2), 0.4)),
    )
    pane = dice.uniform(1.2, 2.0)
    count = max(2, int((length - 1.4) / pane))
    for k in range(count):
        forward = (k + 0.5 - count / 2) * pane
        parts.box(
            pose,
            (0, 1.3, forward),
            (width + 0.03, top - 2.0, pane - 0.14),
            Skin(label, shade(dice, _GLASS, 0.3)),
        )
    for end in (-1.0, 1.0):
        window = (0, 1.15, end * (length / 2 - 0.1))
        parts.box(pose, window, (0.9 * width, top - 1.75, 0.24), Skin(label, _GLASS))
        sign = (0, top - 0.45, end * (length / 2 - 0.1))
        parts.box(pose, sign, (0.6 * width, 0.26, 0.24), Skin(label, (0.15, 0.12, 0.04)))


def bus(parts: Parts, dice: Generator, pose: Pose) -> float:
    """A city bus; its length in metres."""
    label, length, width = LABEL["bus"], dice.uniform(9.5, 12.5), 2.5
    paint = _choice(dice, ((0.7, 0.1, 0.1), (0.8, 0.6, 0.1), (0.2, 0.35, 0.6), (0.8, 0.8, 0.78), (0.2, 0.45, 0.3)))
    _coach(parts, dice, pose, label, length, width, dice.uniform(2.9, 3.3), paint)
    _wheels(parts, pose, width / 2 - 0.02, 0.47, (-0.27 * length, 0.3 * length), label)
    _lamps(parts, pose, width / 2, 0.75, length, label)
    return float(length)


def train(parts: Parts, dice: Generator, pose: Pose) -> float:
    """A tram of two cars with a pantograph; the length of both in metres."""
    label, each, width, top = LABEL["train"], dice.uniform(9.0, 12.0), 2.4, dice.uniform(3.3, 3.6)
    paint = _choice(dice, ((0.75, 0.12, 0.1), (0.15, 0.3, 0.5), (0.85, 0.72, 0.3), (0.25, 0.5, 0.35)))
    stripe = Skin(label, shade(dice, (0.88, 0.87, 0.8), 0.08))
    for end in (-1.0, 1.0):
        half = pose.at(0, end * (each / 2 + 0.3))
        _coach(parts, dice, half, label, each, width, top, paint)
        parts.box(half, (0, 0.85, 0), (width + 0.03, 0.3, each + 0.03), stripe)
        parts.box(half, (0, top, 0), (1.4, 0.3, 0.5 * each), Skin(label, (0.35, 0.35, 0.36)))
        parts.box(half, (0, 0.05, 0), (0.8 * width, 0.3, 0.85 * each), Skin(label, (0.1, 0.1, 0.1)))
        parts.disc(half.at(0, end * (each / 2 + 0.03)), (0, 0.95, 0), 0.16, Skin(label, (0.95, 0.93, 0.8)))
    parts.box(pose, (0, 0.4, 0), (width - 0.3, top - 0.7, 0.7), Skin(label, (0.13, 0.13, 0.13)))
    for tilt in (-1.0, 1.0):
        arm = Skin(label, (0.2, 0.2, 0.2))
        parts.box(
            pose.at(0, each / 2),
            (0, top + 0.3, -tilt * 0.4),
            (0.9, 0.9, 0.08),
            arm,
            taper=(1, 1),
            lean=tilt * 0.8,
            cut=Cut.PICKETS,
        )
    return float(2 * each + 0.6)


def _body(
    parts: Parts, dice: Generator, pose: Pose, label: int, size: float, hip: float, lean: float, stride: float
) -> None:
    """A human on two legs: the hip ``hip`` metres up, bent ``lean`` forward, the feet ``stride`` apart."""
    skin_tone = _choice(dice, ((0.8, 0.6, 0.48), (0.62, 0.44, 0.32), (0.36, 0.24, 0.17)), 0.1)
    coat, trousers = Skin(label, _choice(dice, _CLOTHES)), Skin(label, _choice(dice, _CLOTHES))
    hair = Skin(label, shade(dice, (0.2, 0.14, 0.1), 0.7))
    for side in (-1.0, 1.0):
        leg = (side * 0.1 * size, 0.0, side * stride * 0.5)
        parts.box(
            pose,
            leg,
            (0.14 * size, hip, 0.16 * size),
            trousers,
            taper=(1.25, 1.2),
            lean=-side * stride * 0.45,
        )
        hand = (side * 0.26 * size, hip + 0.27 * size, 0.7 * lean - side * stride * 0.3)
        parts.box(pose, (hand[0], hip - 0.02, hand[2]), (0.09 * size, 0.5 * size, 0.1 * size), coat, lean=lean * 0.3)
    torso = (0.4 * size, 0.56 * size, 0.24 * size)
    parts.box(pose, (0, hip - 0.04, 0), torso, coat, taper=(1.1, 0.95), lean=lean)
    head = (0.0, hip + 0.68 * size, 1.15 * lean)
    radius = 0.115 * size
    parts.ball(pose, head, (radius, 1.2 * radius, radius), Skin(label, skin_tone))
    parts.ball(pose, (0, head[1] + 0.05 * size, head[2] - 0.03), (1.03 * radius, 0.95 * radius, 1.03 * radius), hair)


def person(parts: Parts, dice: Generator, pose: Pose) -> None:
    """Somebody on foot, grown up or not."""
    size = dice.uniform(0.92, 1.1) if dice.random() < 0.88 else dice.uniform(0.6, 0.8)
    _body(parts, dice, pose, LABEL["person"], size, 0.86 * size, 0.03, dice.uniform(0.05, 0.45) * size)


def _frame(parts: Parts, pose: Pose, label: int, rgb: Colour, radius: float, reach: float) -> None:
    """Two wheels in a frame."""
    tube = Skin(label, rgb)
    for end in (-1.0, 1.0):
        wheel = pose.at(0, end * reach).turned(math.pi / 2)
        parts.disc(wheel, (0, radius, 0), radius, Skin(label, _TYRE), hole=0.82 * radius)
        parts.disc(wheel, (0, radius, 0), 0.14 * radius, Skin(label, _CHROME))
    width = 0.05
    parts.box(pose, (0, radius - 0.02, -reach), (width, 0.06, reach), tube, lean=0.5 * reach)
    parts.box(pose, (0, radius - 0.02, -0.1), (width, 0.55, 0.06), tube, lean=-0.15)
    parts.box(pose, (0, radius, -0.05), (width, 0.5, 0.06), tube, lean=0.72 * reach)
    parts.box(pose, (0, radius + 0.42, 0.5 * reach - 0.15), (width, 0.06, 0.9 * reach), tube)
    parts.box(pose, (0, radius, reach), (width, 0.72, 0.06), tube, lean=-0.28 * reach)
    parts.box(pose, (0, radius + 0.7, 0.72 * reach), (0.5, 0.05, 0.06), Skin(label, _TYRE))
    parts.box(pose, (0, radius + 0.54, -0.25), (0.14, 0.06, 0.26), Skin(label, _TYRE))
    parts.box(pose, (0, radius - 0.02, -reach), (0.08, 0.04, 1.1 * reach), Skin(label, (0.2, 0.2, 0.2)))


def bicycle(parts: Parts, dice: Generator, pose: Pose) -> None:
    """A bicycle without a rider."""
    _frame(parts, pose, LABEL["bicycle"], _choice(dice, _PAINTS, 0.3), 0.34, 0.53)


def cyclist(parts: Parts, dice: Generator, pose: Pose) -> None:
    """A bicycle and who rides it."""
    bicycle(parts, dice, pose)
    size = dice.uniform(0.92, 1.08)
    _body(parts, dice, pose.at(0, -0.2), LABEL["rider"], size, 0.9, dice.uniform(0.1, 0.32), 0.3)


def motorcycle(parts: Parts, dice: Generator, pose: Pose, ridden: bool) -> None:
    """A motorcycle or scooter; with somebody on it if ``ridden``."""
    label, paint = LABEL["motorcycle"], _choice(dice, _PAINTS, 0.3)
    for end in (-1.0, 1.0):
        wheel = pose.at(0, 0.68 * end)
        _sides(parts, wheel, 0.07, 0.31, 0, 0.31, Skin(label, _TYRE))
        _sides(parts, wheel, 0.08, 0.31, 0, 0.17, Skin(label, _CHROME))
        parts.box(wheel, (0, 0.04, 0), (0.14, 0.5, 0.42), Skin(label, _TYRE))
    parts.box(pose, (0, 0.25, 0), (0.36, 0.42, 0.9), Skin(label, (0.14, 0.14, 0.15)), taper=(0.8, 1.1))
    parts.box(pose, (0, 0.64, 0.2), (0.34, 0.28, 0.62), Skin(label, paint), taper=(0.7, 0.7))
    parts.box(pose, (0, 0.66, -0.42), (0.3, 0.15, 0.8), Skin(label, _TYRE), taper=(0.8, 0.95))
    parts.box(pose, (0, 0.4, 0.72), (0.1, 0.7, 0.1), Skin(label, _CHROME), lean=-0.22)
    parts.box(pose, (0, 1.03, 0.46), (0.72, 0.05, 0.07), Skin(label, _TYRE))
    parts.box(pose, (0, 0.8, 0.6), (0.26, 0.26, 0.14), Skin(label, paint), lean=-0.05)
    parts.box(pose, (0, 0.6, -0.86), (0.2, 0.1, 0.05), Skin(label, (0.6, 0.06, 0.05)))
    if ridden:
        _body(parts, dice, pose.at(0, -0.25), LABEL["rider"], dice.uniform(0.98, 1.1), 0.76, 0.22, 0.25)


def tree(parts: Parts, dice: Generator, pose: Pose, height: float) -> None:
    """A broad-leaved tree, or at times a cypress, ``height`` metres high."""
    label = LABEL["vegetation"]
    green = shade(dice, (0.2, 0.32, 0.1), 0.35) if dice.random() < 0.85 else shade(dice, (0.42, 0.32, 0.12), 0.25)
    slim = dice.random() < 0.2
    trunk = 0.12 * height if slim else dice.uniform(0.25, 0.38) * height
    bark = Skin(label, shade(dice, _WOOD, 0.3), pattern=(0.4, 0, 0, 0))
    radius = 0.028 * height + 0.04
    parts.box(pose, (0, 0, 0), (2 * radius, trunk + 0.25 * height, 2 * radius), bark, taper=(0.6, 0.6))
    crown = height - trunk
    if slim:
        leaves = Skin(label, green, Material.FOLIAGE)
        parts.ball(pose, (0, trunk + 0.5 * crown, 0), (0.14 * height, 0.52 * crown, 0.14 * height), leaves)
        return
    spread = dice.uniform(0.22, 0.34) * height
    for k in range(int(dice.integers(4, 7))):
        angle = 2.4 * k + dice.uniform(0, 1)
        away = spread * dice.uniform(0.3, 0.65)
        up = trunk + crown * dice.uniform(0.3, 0.72)
        leaves = Skin(label, shade(dice, green, 0.2), Material.FOLIAGE)
        size = spread * dice.uniform(0.55, 0.85)
        parts.ball(pose, (away * math.cos(angle), up, away * math.sin(angle)), (size, 0.8 * size, size), leaves)


def hedge(parts: Parts, dice: Generator, pose: Pose, length: float, height: float) -> None:
    """A hedge along the pose's forward axis."""
    green = shade(dice, (0.17, 0.28, 0.09), 0.3)
    size = (0.8, height - 0.1, length)
    parts.box(pose, (0, 0, 0), size, Skin(LABEL["vegetation"], green, Material.FOLIAGE), taper=(0.85, 0.98))
    count = max(1, int(length / 1.6))
    for k in range(count):
        radii = (0.45, 0.3 + 0.1 * dice.random(), 0.95)
        leaves = Skin(LABEL["vegetation"], shade(dice, green, 0.15), Material.FOLIAGE)
        parts.ball(pose, (0, height - 0.25, (k + 0.5) * length / count - length / 2), radii, leaves)


def wall(parts: Parts, dice: Generator, pose: Pose, length: float, height: float) -> None:
    """A wall of stone, brick or plaster along the pose's forward axis."""
    rgb = _choice(dice, ((0.55, 0.52, 0.48), (0.5, 0.3, 0.24), (0.7, 0.68, 0.62), (0.45, 0.44, 0.42)))
    blocks = Skin(LABEL["wall"], rgb, Material.BLOCKS, (dice.uniform(0.3, 0.9), dice.uniform(0.15, 0.35), 0, 0))
    parts.box(pose, (0, 0, 0), (0.3, height, length), blocks)
    parts.box(pose, (0, height, 0), (0.42, 0.08, length), Skin(LABEL["wall"], shade(dice, (0.6, 0.58, 0.54), 0.15)))


def fence(parts: Parts, dice: Generator, pose: Pose, length: float, height: float) -> None:
    """A fence along the pose's forward axis: open pickets, or closed boards."""
    label = LABEL["fence"]
    rgb = _choice(dice, ((0.42, 0.3, 0.2), (0.8, 0.8, 0.77), (0.15, 0.22, 0.17), (0.5, 0.51, 0.52)), 0.2)
    if dice.random() < 0.6:
        parts.box(pose, (0, 0.05, 0), (0.03, height - 0.05, length), Skin(label, rgb), cut=Cut.PICKETS)
    else:
        parts.box(
            pose,
            (0, 0.05, 0),
            (0.05, height - 0.05, length),
            Skin(label, rgb, Material.BOARDS, (0.16, 0.3, 0, 0)),
        )
    count = max(1, round(length / 2.5))
    for k in range(count + 1):
        parts.box(
            pose,
            (0, 0, (k / count - 0.5) * length),
            (0.1, height + 0.06, 0.1),
            Skin(label, shade(dice, rgb, 0.1)),
        )


def house(parts: Parts, dice: Generator, pose: Pose, length: float, deep: float, height: float, gable: bool) -> None:
    """A building whose front lies along the pose's forward axis; the rest of it is to the right.

    Args:
        parts: where it goes.
        dice: its looks.
        pose: the middle of the front, on the ground.
        length: of the front, metres.
        deep: metres.
        height: up to the eaves, metres.
        gable: a pitched roof on top; a flat one otherwise.
    """
    label = LABEL["building"]
    plaster = _choice(dice, _PLASTERS)
    floor = height / max(1, round(height / dice.uniform(2.8, 3.5)))
    bay = length / max(1, round(length / dice.uniform(1.8, 3.6)))
    window = dice.uniform(0.35, 0.72) + (int(dice.integers(3)) if dice.random() < 0.7 else 3) * 10
    walls = Skin(label, plaster, Material.FACADE, (bay, floor, window, dice.uniform(0.42, 0.66)))
    roof = _choice(dice, ((0.4, 0.18, 0.13), (0.25, 0.24, 0.25), (0.34, 0.24, 0.18), (0.5, 0.26, 0.18)))
    parts.box(pose, (deep / 2, 0, 0), (deep, height, length), walls, top_rgb=(0.3, 0.3, 0.3))
    if gable:
        tiles = Skin(label, roof, Material.BLOCKS, (0.5, 0.32, 0, 0))
        across = dice.random() < 0.5
        rise = 0.42 * min(length, deep) * dice.uniform(0.7, 1.2)
        size = (deep + 0.7, rise, length + 0.7)
        parts.box(pose, (deep / 2, height, 0), size, tiles, taper=(0, 0.8) if across else (0.8, 0))
        if dice.random() < 0.6:
            stack = Skin(label, shade(dice, (0.42, 0.26, 0.2)))
            parts.box(pose, (0.4 * deep, height, 0.2 * length), (0.6, 0.95 * rise + 0.6, 0.6), stack)
        return
    parts.box(pose, (deep / 2, height, 0), (deep + 0.3, 0.35, length), Skin(label, shade(dice, plaster, 0.3)))
    if dice.random() < 0.4:
        for k in range(1, max(2, round(height / floor))):
            for place in (-0.25, 0.25):
                at = (-0.45, k * floor + 0.05, place * length)
                parts.box(pose, at, (0.9, 0.95, min(2.4, 0.3 * length)), Skin(label, shade(dice, plaster, 0.2)))


def lamp_post(parts: Parts, dice: Generator, pose: Pose, height: float) -> None:
    """A street lamp whose arm reaches to the pose's left; without the arm it is a plain pole."""
    grey = Skin(LABEL["pole"], shade(dice, (0.36, 0.37, 0.37), 0.35))
    parts.box(pose, (0, 0, 0), (0.17, height, 0.17), grey, taper=(0.65, 0.65))
    parts.box(pose, (0, 0, 0), (0.26, 0.9, 0.26), grey)
    if dice.random() < 0.7:
        reach = dice.uniform(0.9, 2.0)
        parts.box(pose, (-reach / 2, height - 0.1, 0), (reach, 0.1, 0.1), grey)
        parts.box(pose, (-reach, height - 0.16, 0), (0.6, 0.13, 0.25), Skin(LABEL["pole"], (0.72, 0.72, 0.68)))


def traffic_light(parts: Parts, dice: Generator, pose: Pose) -> None:
    """A traffic light on its pole; it shines backwards, at those who drive along the pose."""
    grey = Skin(LABEL["pole"], shade(dice, (0.4, 0.41, 0.4), 0.3))
    height = dice.uniform(2.3, 2.9)
    parts.box(pose, (0, 0, 0), (0.14, height + 0.9, 0.14), grey)
    places: list[tuple[float, float]] = [(0.0, height)]
    if dice.random() < 0.45:
        reach, height = dice.uniform(2.5, 4.0), 5.3
        parts.box(pose, (0, 0, 0), (0.2, height + 0.6, 0.2), grey, taper=(0.7, 0.7))
        parts.box(pose, (-reach / 2, height + 0.5, 0), (reach, 0.12, 0.12), grey)
        places.append((-reach, height - 0.4))
    lit = int(dice.integers(3))
    for right, up in places:
        parts.box(pose, (right, up, -0.13), (0.34, 0.98, 0.24), Skin(LABEL["traffic light"], (0.06, 0.07, 0.06)))
        for k, rgb in enumerate(((0.1, 0.95, 0.35), (1.0, 0.75, 0.1), (1.0, 0.12, 0.08))):
            red, green, blue = rgb if k == lit else (0.22 * rgb[0], 0.22 * rgb[1], 0.22 * rgb[2])
            lamp = Skin(LABEL["traffic light"], (red, green, blue), Material.GLOW if k == lit else Material.PLAIN)
            parts.disc(pose, (right, up + 0.18 + 0.31 * k, -0.27), 0.125, lamp)


# Corners, rim colour, field colour, width over height.
_SIGNS: tuple[tuple[int, Colour, Colour, float], ...] = (
    (12, (0.78, 0.08, 0.1), (0.93, 0.93, 0.9), 1.0),
    (12, (0.1, 0.25, 0.62), (0.12, 0.28, 0.66), 1.0),
    (3, (0.78, 0.08, 0.1), (0.93, 0.93, 0.9), 1.0),
    (8, (0.9, 0.9, 0.88), (0.74, 0.08, 0.09), 1.0),
    (4, (0.9, 0.9, 0.88), (0.12, 0.28, 0.66), 1.0),
    (4, (0.92, 0.92, 0.9), (0.93, 0.72, 0.08), 1.0),
    (4, (0.1, 0.1, 0.1), (0.92, 0.82, 0.1), 2.2),
)


def traffic_sign(parts: Parts, dice: Generator, pose: Pose) -> None:
    """One or two signs on a pole; they look backwards, at those who drive along the pose."""
    sides, rim, field, stretch = _SIGNS[int(dice.integers(len(_SIGNS)))]
    height = dice.uniform(2.0, 2.7)
    grey = Skin(LABEL["pole"], shade(dice, (0.55, 0.56, 0.56), 0.2))
    parts.box(pose, (0, 0, 0), (0.08, height + 0.35, 0.08), grey)
    # A square stands on its side unless it is the priority road's.
    turn = {3: math.pi / 2, 4: 0.0 if field[0] > 0.9 and stretch == 1 else math.pi / 4, 8: math.pi / 8}.get(sides, 0.0)
    _plate(parts, pose, height, dice.uniform(0.36, 0.48), (sides, rim, field, stretch), turn)
    if dice.random() < 0.3:
        _plate(parts, pose, height - 0.66, 0.3, (4, (0.1, 0.1, 0.1), (0.9, 0.9, 0.88), 1.9), math.pi / 4)


def _plate(
    parts: Parts,
    pose: Pose,
    height: float,
    radius: float,
    look: tuple[int, Colour, Colour, float],
    turn: float,
) -> None:
    sides, rim, field, stretch = look
    label = LABEL["traffic sign"]
    symbol = (rim if min(field) > 0.5 else (0.95, 0.95, 0.95)) if sides == 12 else (0.08, 0.08, 0.08)
    back = Skin(label, (0.5, 0.51, 0.52))
    options = {"turn": turn, "stretch": stretch}
    parts.disc(pose, (0, height, -0.04), radius, back, sides=sides, **options)
    parts.disc(pose, (0, height, -0.05), radius, Skin(label, rim), sides=sides, **options)
    face = Skin(label, field, Material.SIGN, (0.42 * radius, *symbol))
    parts.disc(pose, (0, height, -0.06), 0.8 * radius, face, sides=sides, **options)
