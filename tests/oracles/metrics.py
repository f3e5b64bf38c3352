"""The scores as loops over numbers, written after the definitions, of a whole data set at once."""

import math

import numpy as np
import torch


def segmentation_scores(predictions, truths, classes):
    pairs = [(t, p) for t, p in zip(truths.flat, predictions.flat, strict=True) if 0 <= t < classes]
    scores, ious, recalls, weighted = {}, [], [], 0.0
    for c in range(classes):
        right = sum(t == p == c for t, p in pairs)
        true, predicted = sum(t == c for t, _ in pairs), sum(p == c for _, p in pairs)
        union = true + predicted - right
        scores[f"IoU.{c}"] = right / union if union else None
        ious += [right / union] if union else []
        recalls += [right / true] if true else []
        weighted += true / len(pairs) * right / union if true else 0.0
    accuracy = sum(t == p for t, p in pairs) / len(pairs)
    return scores | {"aAcc": accuracy, "mAcc": np.mean(recalls), "FWIoU": weighted, "mIoU": np.mean(ious)}


def image_depth_scores(prediction, truth):
    """Garg's window, 1 mm to 80 m, no scaling; None if no pixel can be scored."""
    h, w = truth.shape
    pixels = [
        (min(max(prediction[i, j], 0.001), 80.0), truth[i, j])
        for i in range(int(0.40810811 * h), int(0.99189189 * h))
        for j in range(int(0.03594771 * w), int(0.96405229 * w))
        if 0.001 < truth[i, j] < 80.0
    ]
    if not pixels:
        return None

    def mean(score):
        return sum(score(p, g) for p, g in pixels) / len(pixels)

    bias = mean(lambda p, g: math.log(p / g))
    return {
        "abs_rel": mean(lambda p, g: abs(p - g) / g),
        "sq_rel": mean(lambda p, g: (p - g) ** 2 / g),
        "rmse": math.sqrt(mean(lambda p, g: (p - g) ** 2)),
        "rmse_log": math.sqrt(mean(lambda p, g: math.log(p / g) ** 2)),
        "a1": mean(lambda p, g: max(p / g, g / p) < 1.25),
        "a2": mean(lambda p, g: max(p / g, g / p) < 1.25**2),
        "a3": mean(lambda p, g: max(p / g, g / p) < 1.25**3),
        "silog": 100 * math.sqrt(mean(lambda p, g: (math.log(p / g) - bias) ** 2)),
        "log10": mean(lambda p, g: abs(math.log10(p / g))),
        "mae": mean(lambda p, g: abs(p - g)),
    }


def least_squares_depth(answers, truth, inverse, farthest):
    """MiDaS's alignment of the scored pixels of one image: the pseudo-inverse of ``[d, 1]``; no inverse depth below the cap."""
    d = answers if inverse else np.array([1 / max(p, 1e-6) for p in answers])
    (factor, shift), *_ = np.linalg.lstsq(np.stack([d, np.ones_like(d)], axis=1), 1 / truth, rcond=None)
    return np.array([1 / max(factor * one + shift, 1 / farthest) for one in d])


def median_depth(answers, truth, inverse, farthest):
    """Monodepth2's scaling of the scored pixels of one image; what is at 0 inverse depth or less is infinitely far."""
    depth = np.array([(1 / p if p > 0 else math.inf) if inverse else p for p in answers])
    return np.array([min(p * np.median(truth) / np.median(depth), farthest) for p in depth])


def depth_scores(predictions, truths):
    images = [image_depth_scores(p, t) for p, t in zip(predictions, truths, strict=True)]
    scored = [image for image in images if image is not None]
    means = {name: np.mean([image[name] for image in scored]) for name in scored[0]}
    return means | {"images": len(scored), "images_without_truth": len(images) - len(scored)}


def normal_scores(predictions, truths):
    """Angles over all pixels; the median to a hundredth of a degree, as bins of that width give it."""
    angles = []
    for p, t in zip(predictions.reshape(-1, 3), truths.reshape(-1, 3), strict=True):
        if t.any():
            cross, dot = np.linalg.norm(np.cross(p, t)), p @ t
            angles.append(math.degrees(math.atan2(cross, dot)))
    middle = sorted(angles)[(len(angles) + 1) // 2 - 1]
    return {
        "mean_angle": sum(angles) / len(angles),
        "median_angle": (math.floor(100 * middle) + 0.5) / 100,
        "rmse_angle": math.sqrt(sum(a * a for a in angles) / len(angles)),
        **{f"within_{degrees:.0f}": sum(a < degrees for a in angles) / len(angles) for degrees in (11.25, 22.5, 30)},
    }


#: Kind -> answers and truths of a shape [n, h, w], by a generator.
PICTURES = {
    "labels": lambda shape, generator: [torch.randint(4, shape, generator=generator) for _ in range(2)],
    "depth": lambda shape, generator: [
        (torch.rand(shape, generator=generator) * 90 - 2).clamp(min=smallest) for smallest in (-2, 0)
    ],
    "normals": lambda shape, generator: [
        torch.nn.functional.normalize(torch.randn(*shape, 3, generator=generator), dim=-1) for _ in range(2)
    ],
}

TWINS = {
    "labels": lambda predictions, truths: segmentation_scores(predictions, truths, classes=5),
    "depth": depth_scores,
    "normals": normal_scores,
}
