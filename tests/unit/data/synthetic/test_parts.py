"""Boxes and balls as tables of surfaces."""

import numpy as np

from segdepth.data.synthetic.objects import LABEL
from segdepth.data.synthetic.parts import Material, Parts, Pose, Skin

GREY = Skin(LABEL["wall"], (0.5, 0.5, 0.5))


def test_skins_of_a_solid_follow_its_faces() -> None:
    parts = Parts()
    parts.ball(Pose(0, 5, 0), (0, 1, 0), (1, 1, 1), Skin(LABEL["vegetation"], (0.1, 0.5, 0.1), Material.FOLIAGE))
    parts.box(Pose(0, 9, 0), (0, 0, 0), (1, 1, 1), GREY, top_rgb=(0.9, 0.1, 0.1))
    solids = parts.solids()
    assert len(solids) == 7
    np.testing.assert_array_equal(solids.label, [LABEL["wall"]] * 6 + [LABEL["vegetation"]])
    top = np.flatnonzero(solids.normal[:, 1] > 0.9)
    np.testing.assert_allclose(solids.rgb[top], [[0.9, 0.1, 0.1]])
    np.testing.assert_allclose(solids.rgb[np.delete(np.arange(6), top)], 0.5)
