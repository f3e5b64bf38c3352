"""The losses as loops over numbers, written after the papers; default options, no regulariser."""

import math

import numpy as np
import torch


def pixel_entropies(logits, labels):
    """Per image, the loss of each labelled pixel."""
    images = []
    for image, label in zip(logits, labels, strict=True):
        labelled = [(i, j) for i, j in np.ndindex(label.shape) if label[i, j] != 255]
        images.append([math.log(np.exp(image[:, i, j]).sum()) - image[label[i, j], i, j] for i, j in labelled])
    return images


def cross_entropy(logits, labels):
    return np.mean(np.concatenate(pixel_entropies(logits, labels)))


def bootstrapped_cross_entropy(logits, labels):
    """For images with fewer pixels than the default's K, all of which count."""
    return np.mean([sum(image) / labels[0].size for image in pixel_entropies(logits, labels)])


def absolute_errors(prediction, truth):
    return [abs(p - g) for p, g in zip(prediction.flat, truth.flat, strict=True) if g > 0]


def l1_loss(prediction, truth):
    return np.mean(absolute_errors(prediction, truth))


def berhu_loss(prediction, truth):
    errors = absolute_errors(prediction, truth)
    c = 0.2 * max(errors)
    return np.mean([d if d <= c else (d * d + c * c) / (2 * c) for d in errors])


def huber_loss(prediction, truth):
    return np.mean([d * d / 2 if d <= 1 else d - 0.5 for d in absolute_errors(prediction, truth)])


def scale_invariant_loss(prediction, truth):
    values = []
    for p, g in zip(prediction, truth, strict=True):
        logs = np.log(p[g > 0]) - np.log(g[g > 0])
        values.append(np.mean(logs**2) - 0.5 * np.mean(logs) ** 2)
    return np.mean(values)


def cosine_loss(prediction, truth):
    pairs = [
        (prediction[b, :, i, j], truth[b, :, i, j])
        for b, _, i, j in np.ndindex(truth.shape[0], 1, *truth.shape[2:])
        if truth[b, :, i, j].any()
    ]
    return np.mean([1 - p @ t / np.linalg.norm(p) / np.linalg.norm(t) for p, t in pairs])


CLASSES = 5


def unit_vectors(shape, dtype):
    return torch.nn.functional.normalize(torch.randn(shape[0], 3, *shape[1:], dtype=dtype), dim=1)


#: Kind -> a prediction and a truth without gaps, of pictures of a shape [b, h, w].
PAIRS = {
    "labels": lambda shape, dtype: (
        torch.randn(shape[0], CLASSES, *shape[1:], dtype=dtype),
        torch.randint(CLASSES, shape),
    ),
    "depth": lambda shape, dtype: [(torch.rand(shape, dtype=dtype) * 40 + 2)[:, None] for _ in range(2)],
    "normals": lambda shape, dtype: [unit_vectors(shape, dtype) * length for length in (2, 1)],
}

TWINS = {
    twin.__name__: twin
    for twin in (
        cross_entropy,
        bootstrapped_cross_entropy,
        l1_loss,
        berhu_loss,
        huber_loss,
        scale_invariant_loss,
        cosine_loss,
    )
}
