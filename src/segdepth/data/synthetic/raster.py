"""Which surface a pixel sees, and how far away it is: exact, by intersecting every ray with every surface.

Both kinds of surface have a closed form in inverse depth w = 1/z. On a plane w is an affine function of the pixel;
on an ellipsoid it is an affine function plus the square root of a quadratic one. So a surface costs a few array
operations over its bounding rectangle, the nearest (largest w) wins, and nothing is interpolated or clipped.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numpy import ndarray

from .camera import Camera, View
from .noise import SIZE, noise_tile
from .parts import Cut, Material, Polygons, Solids

__all__ = ["GROUND", "SKY", "Visible", "rasterise", "rays"]

#: Values of :attr:`Visible.surface` besides the numbers of the surfaces.
GROUND, SKY = -1, -2

_NEAR_M, _HORIZON_M = 0.3, 2000.0
_EDGE_PX = 1e-3  # polygons grow by this much, so that rounding leaves no crack between two of them
_LEAVES_PER_M = 9.0  # noise texels a metre in the gaps of a crown
_PICKET_M, _PICKET_SHARE = 0.16, 0.55


class Visible(NamedTuple):
    """What a camera sees.

    Attributes:
        surface: number of the surface in the street's table, :data:`GROUND` or :data:`SKY`.
        inverse_depth: 1 / depth along the optical axis, 1/metres; 0 in the sky.
    """

    surface: Int32[ndarray, "h w"]
    inverse_depth: Float32[ndarray, "h w"]


def rays(camera: Camera, view: View) -> tuple[Float32[ndarray, "h w"], ...]:
    """World x, y, z of every pixel's ray of depth 1: ``position + depth * ray`` is the point that is seen."""
    affine = view.axes.T @ _pixel_to_ray(camera)
    column, row = np.arange(camera.width), np.arange(camera.height)
    return tuple((b * row + c).astype(np.float32)[:, None] + (a * column).astype(np.float32) for a, b, c in affine)


def rasterise(solids: Solids, camera: Camera, view: View) -> Visible:
    """Find the nearest surface of every pixel.

    Args:
        solids: the world's surfaces, besides the ground plane y = 0.
        camera: the grid of rays.
        view: where the camera is; above the ground.

    Source:
        The ellipsoid's outline is the conic of Hartley and Zisserman, "Multiple View Geometry", 8.3; that inverse
        depth is affine on a plane is the perspective-correct interpolation of any book on rendering.
    """
    to_ray = _pixel_to_ray(camera)
    visible = _ground(camera, view, to_ray)
    first = 0
    for polygons in (solids.quads, solids.discs):
        _draw_polygons(visible, polygons, first, camera, view, to_ray)
        first += len(polygons.normal)
    _draw_balls(visible, solids, first, camera, view, to_ray)
    return visible


def _pixel_to_ray(camera: Camera) -> Float64[ndarray, "3 3"]:
    """The matrix that takes (column, row, 1) to a ray in the camera's axes."""
    return np.array([[1 / camera.fx, 0, -camera.cx / camera.fx], [0, 1 / camera.fy, -camera.cy / camera.fy], [0, 0, 1]])


def _ground(camera: Camera, view: View, to_ray: ndarray) -> Visible:
    a, b, c = -(view.axes[:, 1] @ to_ray) / view.position[1]
    w = (b * np.arange(camera.height) + c).astype(np.float32)[:, None] + (a * np.arange(camera.width)).astype(
        np.float32
    )
    seen = w > 1 / _HORIZON_M
    return Visible(np.where(seen, np.int32(GROUND), np.int32(SKY)), np.where(seen, w, np.float32(0)))


def _draw_polygons(
    visible: Visible, polygons: Polygons, first: int, camera: Camera, view: View, to_ray: ndarray
) -> None:
    corners = (polygons.corners - view.position) @ view.axes.T
    normal = polygons.normal @ view.axes.T
    distance = (normal * corners[:, 0]).sum(-1)  # negative: the camera is in front of the face
    towards = (distance < -1e-6) | (polygons.two_sided & (np.abs(distance) > 1e-6))
    kept = np.flatnonzero(towards & (corners[:, :, 2].max(axis=1) > _NEAR_M))
    boxes = _polygon_boxes(corners[kept], camera)
    inside = (boxes[:, 0] < boxes[:, 1]) & (boxes[:, 2] < boxes[:, 3])
    kept, boxes = kept[inside], boxes[inside]
    # Near ones first: what they hide altogether is not worth looking at.
    nearest = corners[kept, :, 2].min(axis=1)
    order = np.argsort(nearest, kind="stable")
    kept, boxes = kept[order], boxes[order]
    largest = np.where(nearest > _NEAR_M, 1 / np.maximum(nearest, _NEAR_M), np.inf)[order]
    functions = _functions(corners[kept], (normal[kept] / distance[kept, None]) @ to_ray, to_ray)
    rows, columns = np.arange(camera.height, dtype=np.float64), np.arange(camera.width, dtype=np.float64)
    for k, (top, bottom, left, right) in enumerate(boxes.tolist()):
        window = (slice(top, bottom), slice(left, right))
        if visible.inverse_depth[window].min() >= largest[k]:
            continue
        a, b, c = functions[k].T
        down = (b[:, None] * rows[top:bottom] + c[:, None]).astype(np.float32)
        across = (a[:, None] * columns[left:right]).astype(np.float32)
        w = down[-1][:, None] + across[-1]
        seen = w > visible.inverse_depth[window]
        for edge in range(len(down) - 1):
            seen &= down[edge][:, None] >= -across[edge]
        if polygons.cut[kept[k]] != Cut.NONE:
            seen &= _uncut(polygons, int(kept[k]), w, window, view, to_ray)
        np.copyto(visible.inverse_depth[window], w, where=seen)
        np.copyto(visible.surface[window], np.int32(first + kept[k]), where=seen)


def _functions(
    corners: Float64[ndarray, "f v 3"], plane: Float64[ndarray, "f 3"], to_ray: Float64[ndarray, "3 3"]
) -> Float64[ndarray, "f v+1 3"]:
    """Affine functions of the pixel for each polygon: pixels inward from each edge, and last the inverse depth."""
    edges = np.cross(corners, np.roll(corners, -1, axis=1))
    turn = np.sign((edges @ corners.mean(axis=1)[:, :, None])[..., 0].sum(-1))
    edges = (edges * turn[:, None, None]) @ to_ray
    edges /= np.hypot(edges[..., :1], edges[..., 1:2]) + 1e-12  # now in pixels from the edge
    edges[..., 2] += _EDGE_PX
    return np.concatenate([edges, plane[:, None]], axis=1)


def _polygon_boxes(corners: Float64[ndarray, "f v 3"], camera: Camera) -> Int32[ndarray, "f 4"]:
    """Rows [first, end) and columns [first, end) of each polygon's part in front of the camera."""
    following = np.roll(corners, -1, axis=1)
    near, far = corners[..., 2:], following[..., 2:]
    crosses = (near < _NEAR_M) != (far < _NEAR_M)
    share = (_NEAR_M - near) / np.where(crosses, far - near, 1.0)
    points = np.concatenate([corners, corners + share * (following - corners)], axis=1)
    usable = np.concatenate([near >= _NEAR_M, crosses], axis=1)[..., 0]
    z = np.where(usable, points[..., 2], 1.0)
    column = camera.fx * points[..., 0] / z + camera.cx
    row = camera.fy * points[..., 1] / z + camera.cy
    low = [np.where(usable, value, np.inf).min(axis=1) for value in (row, column)]
    high = [np.where(usable, value, -np.inf).max(axis=1) for value in (row, column)]
    return _whole_pixels(low, high, camera)


def _whole_pixels(low: list[ndarray], high: list[ndarray], camera: Camera) -> Int32[ndarray, "f 4"]:
    limits = (camera.height, camera.width)
    columns = []
    for first, last, limit in zip(low, high, limits, strict=True):
        columns.append(np.clip(np.ceil(first - 0.01), 0, limit))
        columns.append(np.clip(np.floor(last + 0.01) + 1, 0, limit))
    return np.stack(columns, axis=1).astype(np.int32)


def _window_ray(coefficients: ndarray, window: tuple[slice, slice]) -> Float32[ndarray, "h w"]:
    """An affine function of the pixel, over a window."""
    a, b, c = coefficients
    rows, columns = (np.arange(part.start, part.stop) for part in window)
    result: ndarray = (b * rows + c).astype(np.float32)[:, None] + (a * columns).astype(np.float32)
    return result


def _uncut(polygons: Polygons, k: int, w: ndarray, window: tuple[slice, slice], view: View, to_ray: ndarray) -> ndarray:
    """Where the polygon is really there."""
    world_ray = view.axes.T @ to_ray
    point = [
        np.float32(view.position[axis]) + _window_ray(world_ray[axis], window) / np.maximum(w, 1e-6)
        for axis in range(3)
    ]
    if polygons.cut[k] == Cut.RING:
        centre = polygons.corners[k].mean(axis=0)
        squared = sum((value - middle) ** 2 for value, middle in zip(point, centre, strict=True))
        return np.asarray(squared > polygons.hole[k] ** 2)
    along = point[0] * polygons.normal[k, 2] - point[2] * polygons.normal[k, 0]
    bottom, top = polygons.corners[k, :, 1].min(), polygons.corners[k, :, 1].max()
    from_rail = np.minimum(np.abs(point[1] - bottom - 0.2), np.abs(point[1] - top + 0.12))
    return np.asarray((np.mod(along, _PICKET_M) < _PICKET_SHARE * _PICKET_M) | (from_rail < 0.05))


def _draw_balls(visible: Visible, solids: Solids, first: int, camera: Camera, view: View, to_ray: ndarray) -> None:
    centre = (solids.centre - view.position) @ view.axes.T
    # Q of the ellipsoid (p - centre)^T Q (p - centre) = 1, in the camera's axes.
    quadric = np.einsum("ij,nj,kj->nik", view.axes, 1.0 / np.maximum(solids.radii, 1e-3) ** 2.0, view.axes)
    pull = np.einsum("nij,nj->ni", quadric, centre)
    outside = (pull * centre).sum(-1) - 1  # positive: the camera is not inside
    # disc(d) = (pull . d)^2 - outside * d^T Q d >= 0 where the ray d hits.
    outline = np.einsum("ni,nj->nij", pull, pull) - outside[:, None, None] * quadric
    kept = np.flatnonzero((outside > 1e-3) & (centre[:, 2] - solids.radii.max(axis=1, initial=0.0) > _NEAR_M))
    outline = np.einsum("ji,njk,kl->nil", to_ray, outline[kept], to_ray)
    boxes = _ball_boxes(outline, camera)
    inside = (boxes[:, 0] < boxes[:, 1]) & (boxes[:, 2] < boxes[:, 3])
    affine = pull[kept] @ to_ray
    # The quadratic's largest value, in the middle of the outline.
    peak = np.linalg.det(outline) / np.linalg.det(outline[:, :2, :2])
    leafy = solids.material[first + kept] == Material.FOLIAGE
    nearest = centre[kept, 2] - solids.radii[kept].max(axis=1, initial=0.0)
    order = np.argsort(nearest, kind="stable")
    for k in order[inside[order]].tolist():
        top, bottom, left, right = boxes[k].tolist()
        window = (slice(top, bottom), slice(left, right))
        if visible.inverse_depth[window].min() >= 1 / nearest[k]:
            continue
        ball = int(kept[k])
        # Coordinates relative to the window's middle keep the quadratic's terms small.
        middle = np.array([[1, 0, (left + right) / 2], [0, 1, (top + bottom) / 2], [0, 0, 1.0]])
        (q_xx, q_xy, q_x), (_, q_yy, q_y), (_, _, q_1) = middle.T @ outline[k] @ middle
        x = np.arange(left, right) - (left + right) / 2
        y = np.arange(top, bottom) - (top + bottom) / 2
        disc = (q_yy * y * y + 2 * q_y * y + q_1).astype(np.float32)[:, None] + (q_xx * x * x + 2 * q_x * x).astype(
            np.float32
        )
        disc += np.multiply.outer((2 * q_xy * y).astype(np.float32), x.astype(np.float32))
        root = np.sqrt(np.maximum(disc, 0))
        w = (_window_ray(affine[k], window) + root) / np.float32(outside[ball])
        seen = (disc >= 0) & (w > visible.inverse_depth[window])
        if leafy[k]:
            seen &= _leaves(root / np.float32(np.sqrt(peak[k])), w, window, view, to_ray, ball)
        np.copyto(visible.inverse_depth[window], w, where=seen)
        np.copyto(visible.surface[window], np.int32(first + ball), where=seen)


def _ball_boxes(outline: Float64[ndarray, "n 3 3"], camera: Camera) -> Int32[ndarray, "n 4"]:
    """Bounding rectangles of the conics x^T outline x = 0, from their dual conics."""
    dual = np.linalg.inv(outline) if len(outline) else outline
    low, high = [], []
    for axis in (1, 0):
        middle = dual[:, axis, 2] / dual[:, 2, 2]
        reach = np.sqrt(np.maximum(middle**2 - dual[:, axis, axis] / dual[:, 2, 2], 0))
        low.append(middle - reach)
        high.append(middle + reach)
    return _whole_pixels(low, high, camera)


def _leaves(
    facing: ndarray, w: ndarray, window: tuple[slice, slice], view: View, to_ray: ndarray, ball: int
) -> ndarray:
    """Where a crown has leaves: noise fixed to the world's points, with more gaps towards the outline.

    ``facing`` is 1 in the middle of the ball and 0 on its outline.
    """
    world_ray = view.axes.T @ to_ray
    scale = np.float32(_LEAVES_PER_M) / np.maximum(w, 1e-6)
    offset = _LEAVES_PER_M * view.position + 37 * ball
    # Mostly x and y, so that the pattern does not smear along surfaces that face the camera.
    across = _window_ray(world_ray[0] + 0.2 * world_ray[2], window) * scale + np.float32(offset[0] + 0.2 * offset[2])
    up = _window_ray(world_ray[1], window) * scale + np.float32(offset[1])
    gaps = noise_tile()[up.astype(np.int32) & (SIZE - 1), across.astype(np.int32) & (SIZE - 1)]
    return np.asarray(facing > 2.6 * (gaps - 0.32))
