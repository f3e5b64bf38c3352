import colorsys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.core.errors import ConfigError
from segdepth.data import Sample
from segdepth.data.transforms import AUGMENTATIONS, augment
from segdepth.geometry import resize_image
from segdepth.kinds import IGNORE

ROWS, COLS = 40, 60
COLOUR = {"gamma": 1.0, "hue": 0.4, "brightness": 0.5, "saturation": 0.8, "contrast": 0.6}
SHAPE = {
    "rcrop": (20, 30), "translate": (15, 25), "rotate": 30.0, "scale": (25, 80), "ccrop": (30, 70),
    "rscale": (0.5, 2.0), "hflip": 0.5, "vflip": 0.5,
}  # fmt: skip
PARAMETERS = COLOUR | SHAPE


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def sample() -> Sample:
    """Smooth picture whose truths can be read off its colours: label = red // 16, depth = 1 + green."""
    rows, cols = np.mgrid[:ROWS, :COLS]
    image = np.stack([4 * cols, 5 * rows, np.full_like(rows, 90)], axis=2).astype(np.uint8)
    labels = (image[..., 0] // 16).astype(np.uint8)
    depth = 1 + image[..., 1].astype(np.float32)
    return Sample(image, "a", {"labels": labels, "depth": depth}, focal_px=100.0)


def undivided_depth(name: str, done: Sample, seed: int) -> np.ndarray:
    """The depth before ``rscale`` divided it; of the others, which leave it alone, the depth."""
    if name != "rscale":
        return done.truth("depth")
    return np.rint(done.truth("depth") * rng(seed).uniform(*SHAPE[name])).astype(np.float32)


def test_every_augmentation_is_tested() -> None:
    assert set(AUGMENTATIONS) == set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
class TestEach:
    def test_types_and_sizes_hold_together(self, name: str, sample: Sample) -> None:
        for seed in range(5):
            done = AUGMENTATIONS[name](sample, rng(seed), PARAMETERS[name])
            assert (done.image.dtype, done.truth("labels").dtype, done.truth("depth").dtype) == (
                np.uint8,
                np.uint8,
                np.float32,
            )
            assert done.image.shape == (*done.truth("labels").shape, 3) == (*done.truth("depth").shape, 3)
            assert done.image.flags.c_contiguous
            assert done.name == sample.name

    def test_the_generator_decides_everything(self, name: str, sample: Sample) -> None:
        first, second = (AUGMENTATIONS[name](sample, rng(7), PARAMETERS[name]) for _ in range(2))
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.truth("labels"), second.truth("labels"))
        np.testing.assert_array_equal(first.truth("depth"), second.truth("depth"))

    def test_the_original_stays(self, name: str, sample: Sample) -> None:
        before = (sample.image.copy(), sample.truth("labels").copy(), sample.truth("depth").copy())
        AUGMENTATIONS[name](sample, rng(3), PARAMETERS[name])
        for old, new in zip(before, (sample.image, sample.truth("labels"), sample.truth("depth")), strict=True):
            np.testing.assert_array_equal(old, new)

    def test_truths_are_never_mixed(self, name: str, sample: Sample) -> None:
        done = AUGMENTATIONS[name](sample, rng(1), PARAMETERS[name])
        assert set(np.unique(done.truth("labels"))) <= {*np.unique(sample.truth("labels")), IGNORE}
        assert set(np.unique(undivided_depth(name, done, 1))) <= {*np.unique(sample.truth("depth")), 0}

    def test_a_sample_without_truth_is_fine(self, name: str, sample: Sample) -> None:
        done = AUGMENTATIONS[name](replace(sample, truths={}), rng(), PARAMETERS[name])
        assert "labels" not in done.truths
        assert "depth" not in done.truths

    def test_it_does_something(self, name: str, sample: Sample) -> None:
        done = [AUGMENTATIONS[name](sample, rng(seed), PARAMETERS[name]).image for seed in range(9)]
        assert any(image.shape != sample.image.shape or (image != sample.image).any() for image in done)


@pytest.mark.parametrize("name", COLOUR)
class TestColour:
    def test_truths_stay(self, name: str, sample: Sample) -> None:
        done = AUGMENTATIONS[name](sample, rng(2), COLOUR[name])
        assert done.truth("labels") is sample.truth("labels")
        assert done.truth("depth") is sample.truth("depth")
        assert done.focal_px == sample.focal_px

    def test_strength_0_changes_nothing(self, name: str) -> None:
        noise = rng().integers(0, 256, (30, 30, 3), dtype=np.uint8)
        np.testing.assert_array_equal(AUGMENTATIONS[name](Sample(noise, "a"), rng(), 0.0).image, noise)


@pytest.mark.parametrize("name", SHAPE)
@pytest.mark.parametrize("seed", range(4))
def test_truth_follows_the_picture(name: str, seed: int, sample: Sample) -> None:
    done = AUGMENTATIONS[name](sample, rng(seed), SHAPE[name])
    covered = done.truth("labels") != IGNORE
    np.testing.assert_array_equal(covered, done.truth("depth") > 0)
    assert covered.mean() > 0.3
    inside = np.zeros_like(covered)
    inside[2:-2, 2:-2] = True
    for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)):  # black corners shine into the picture's outermost pixels
        inside &= np.roll(covered, shift, axis=(0, 1))
    red, green = done.image[..., 0].astype(int), done.image[..., 1].astype(int)
    # The nearest pixel is at most half a pixel from the interpolated place: 4 and 5 levels a pixel, both
    # directions.
    assert np.abs(undivided_depth(name, done, seed) - 1 - green)[inside].max() <= 5
    assert np.abs(done.truth("labels") * 16 + 7.5 - red)[inside].max() <= 7.5 + 4


@given(
    height=st.integers(1, 30), width=st.integers(1, 30), rows=st.integers(1, 40), cols=st.integers(1, 40),
    seed=st.integers(0, 99),
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_any_sizes_go_together(height: int, width: int, rows: int, cols: int, seed: int) -> None:
    image = rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    start = Sample(image, "a", {"labels": image[..., 0].copy(), "depth": image[..., 1].astype(np.float32)})
    for name, parameter in SHAPE.items():
        sized = name in ("rcrop", "ccrop", "scale", "translate")
        done = AUGMENTATIONS[name](start, rng(seed), (rows, cols) if sized else parameter)
        size = (rows, cols) if sized and name != "translate" else (height, width)
        assert done.image.shape[:2] == done.truth("labels").shape == done.truth("depth").shape == size


@pytest.mark.parametrize("name", ["scale", "rcrop"])
def test_a_zoom_changes_the_focal_length_and_not_the_metres(name: str, sample: Sample) -> None:
    zoomed = AUGMENTATIONS[name](sample, rng(), (2 * ROWS, 3 * COLS))
    assert zoomed.image.shape == (2 * ROWS, 3 * COLS, 3)
    assert zoomed.focal_px == 300.0
    np.testing.assert_array_equal(zoomed.truth("depth"), sample.truth("depth").repeat(2, axis=0).repeat(3, axis=1))
    np.testing.assert_array_equal(zoomed.truth("labels"), sample.truth("labels").repeat(2, axis=0).repeat(3, axis=1))


@pytest.mark.parametrize("name", ["rcrop", "ccrop"])
def test_a_crop_is_a_window_at_the_same_focal_length(name: str, sample: Sample) -> None:
    done = AUGMENTATIONS[name](sample, rng(5), (10, 20))
    left, top = done.image[0, 0, 0] // 4, done.image[0, 0, 1] // 5
    np.testing.assert_array_equal(done.image, sample.image[top : top + 10, left : left + 20])
    np.testing.assert_array_equal(done.truth("depth"), sample.truth("depth")[top : top + 10, left : left + 20])
    assert done.focal_px == sample.focal_px


def test_centre_crops_are_centred_and_random_ones_reach_every_place(sample: Sample) -> None:
    centre = AUGMENTATIONS["ccrop"](sample, rng(), (10, 20)).image[0, 0]
    assert (centre[1] // 5, centre[0] // 4) == (15, 20)
    places = {tuple(AUGMENTATIONS["rcrop"](sample, rng(s), (38, 58)).image[0, 0, :2]) for s in range(200)}
    assert places == {(4 * col, 5 * row) for col in range(3) for row in range(3)}


def test_the_border_of_a_centre_crop_is_ignored(sample: Sample) -> None:
    done = AUGMENTATIONS["ccrop"](sample, rng(), (ROWS + 4, COLS + 7))
    np.testing.assert_array_equal(done.image[2:-2, 3:-4], sample.image)
    assert (done.truth("labels")[:2] == IGNORE).all()
    assert (done.truth("depth")[:, -4:] == 0).all()
    assert (done.image[-2:] == 0).all()


def test_translation_reflects_the_picture_and_leaves_the_rest_ignored(sample: Sample) -> None:
    seen = set()
    for seed in range(300):
        done = AUGMENTATIONS["translate"](sample, rng(seed), (1, 2))
        down, right = next(
            (down, right)
            for down in (-1, 0, 1)
            for right in (-2, -1, 0, 1, 2)
            if (done.image[5:-5, 5:-5] == sample.image[5 - down : -5 - down, 5 - right : -5 - right]).all()
        )
        seen.add((down, right))
        padded = np.pad(sample.image, ((1, 1), (2, 2), (0, 0)), mode="reflect")
        np.testing.assert_array_equal(done.image, padded[1 - down : 1 - down + ROWS, 2 - right : 2 - right + COLS])
        for truth, old, outside in (
            (done.truth("labels"), sample.truth("labels"), IGNORE),
            (done.truth("depth"), sample.truth("depth"), 0),
        ):
            bordered = np.pad(old, ((1, 1), (2, 2)), constant_values=outside)
            np.testing.assert_array_equal(truth, bordered[1 - down : 1 - down + ROWS, 2 - right : 2 - right + COLS])
    assert seen == {(down, right) for down in (-1, 0, 1) for right in (-2, -1, 0, 1, 2)}


@pytest.fixture
def numbered(sample: Sample) -> Sample:
    """Every pixel has a depth of its own, by which its place is known."""
    return replace(
        sample, truths={**sample.truths, "depth": 1 + np.arange(ROWS * COLS, dtype=np.float32).reshape(ROWS, COLS)}
    )


def test_zooming_in_enlarges_a_window_and_brings_the_camera_nearer(numbered: Sample) -> None:
    places = set()
    for seed in range(60):
        done = AUGMENTATIONS["rscale"](numbered, rng(seed), (2.0, 2.0))
        top, left = divmod(int(2 * done.truth("depth")[0, 0]) - 1, COLS)
        window = np.s_[top : top + ROWS // 2, left : left + COLS // 2]
        larger = {kind: truth[window].repeat(2, axis=0).repeat(2, axis=1) for kind, truth in numbered.truths.items()}
        np.testing.assert_array_equal(done.truth("depth"), larger["depth"] / 2)
        np.testing.assert_array_equal(done.truth("labels"), larger["labels"])
        np.testing.assert_array_equal(done.image, resize_image(numbered.image[window], (ROWS, COLS)))
        assert done.focal_px == numbered.focal_px
        places.add((top, left))
    tops, lefts = ({place[axis] for place in places} for axis in (0, 1))
    assert min(tops) <= 2
    assert max(tops) >= ROWS // 2 - 2
    assert min(lefts) <= 2
    assert max(lefts) >= COLS // 2 - 2


def test_zooming_out_shrinks_all_of_it_and_ignores_what_is_missing(numbered: Sample) -> None:
    places = set()
    for seed in range(60):
        done = AUGMENTATIONS["rscale"](numbered, rng(seed), (0.5, 0.5))
        (top, *_), (left, *_) = np.nonzero(done.truth("depth"))
        margins = ((top, ROWS // 2 - top), (left, COLS // 2 - left))
        nearer = numbered.truth("depth") / np.float32(0.5)
        for truth, old, outside in (
            (done.truth("labels"), numbered.truth("labels"), IGNORE), (done.truth("depth"), nearer, 0)
        ):  # fmt: skip
            shrunk = old[1::2, 1::2]
            np.testing.assert_array_equal(truth, np.pad(shrunk, margins, constant_values=outside))
        shrunk = resize_image(numbered.image, (ROWS // 2, COLS // 2))
        np.testing.assert_array_equal(done.image, np.pad(shrunk, (*margins, (0, 0)), mode="reflect"))
        assert done.focal_px == numbered.focal_px
        places.add((top, left))
    assert len(places) > 40


def test_factors_of_a_zoom_are_drawn_from_all_between_the_bounds(sample: Sample) -> None:
    flat = replace(sample, truths={**sample.truths, "depth": np.full((ROWS, COLS), 10, np.float32)})
    factors = [10 / AUGMENTATIONS["rscale"](flat, rng(seed), (0.5, 2.0)).truth("depth").max() for seed in range(300)]
    assert 0.5 <= min(factors) < 0.52
    assert 1.97 < max(factors) <= 2.0
    assert np.mean(factors) == pytest.approx(1.25, abs=0.1)


def test_a_zoom_by_1_changes_nothing_and_pixels_without_measurement_stay_so(sample: Sample) -> None:
    done = AUGMENTATIONS["rscale"](sample, rng(), (1.0, 1.0))
    np.testing.assert_array_equal(done.image, sample.image)
    np.testing.assert_array_equal(done.truth("depth"), sample.truth("depth"))
    nothing = replace(sample, truths={**sample.truths, "depth": np.zeros((ROWS, COLS), np.float32)})
    for seed in range(5):
        assert not AUGMENTATIONS["rscale"](nothing, rng(seed), (0.5, 2.0)).truth("depth").any()


def test_flips_are_mirrors_with_their_probability(sample: Sample) -> None:
    mirrored = AUGMENTATIONS["hflip"](sample, rng(), 1.0)
    np.testing.assert_array_equal(mirrored.image, sample.image[:, ::-1])
    np.testing.assert_array_equal(mirrored.truth("labels"), sample.truth("labels")[:, ::-1])
    upside_down = AUGMENTATIONS["vflip"](sample, rng(), 1.0)
    np.testing.assert_array_equal(upside_down.truth("depth"), sample.truth("depth")[::-1])
    generator = rng()
    kept = sum(AUGMENTATIONS["hflip"](sample, generator, 0.25) is sample for _ in range(1000))
    assert 700 < kept < 800
    assert AUGMENTATIONS["vflip"](sample, rng(), 0.0) is sample


def test_rotation_keeps_the_centre_and_fills_the_corners(sample: Sample) -> None:
    odd = augment(sample, {"ccrop": (39, 59)}, rng())
    done = AUGMENTATIONS["rotate"](odd, rng(0), 45.0)
    np.testing.assert_array_equal(done.image[19, 29], odd.image[19, 29])
    assert done.truth("labels")[0, 0] == IGNORE
    assert done.truth("depth")[0, 0] == 0
    assert not done.image[0, 0].any()
    np.testing.assert_array_equal(AUGMENTATIONS["rotate"](odd, rng(), 0.0).image, odd.image)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("gamma", lambda v, x, _: 255 * (v / 255) ** x),
        ("brightness", lambda v, x, _: v * x),
        ("contrast", lambda v, x, grey: grey.mean() + (v - grey.mean()) * x),
        ("saturation", lambda v, x, grey: grey[..., None] + (v - grey[..., None]) * x),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_colour_formulas(name: str, formula: object, seed: int) -> None:
    noise = rng(9).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    grey = np.rint(noise @ [0.299, 0.587, 0.114])
    factor = rng(seed).uniform(1 if name == "gamma" else 0.3, 1.7)
    expected = np.clip(formula(noise.astype(float), factor, grey), 0, 255)
    done = AUGMENTATIONS[name](Sample(noise, "a"), rng(seed), 0.7)
    assert np.abs(done.image - expected).max() <= 1.5


def test_hue_turns_the_colour_circle() -> None:
    noise = rng(9).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    share = rng(4).uniform(-0.5, 0.5)
    done = AUGMENTATIONS["hue"](Sample(noise, "a"), rng(4), 0.5).image
    for before, after in zip(noise.reshape(-1, 3), done.reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(before / 255))
        expected = 255 * np.array(colorsys.hsv_to_rgb((hue + share) % 1, saturation, value))
        assert np.abs(after - expected).max() <= 1


def test_a_strength_above_1_never_inverts(sample: Sample) -> None:
    for seed in range(20):
        done = AUGMENTATIONS["brightness"](sample, rng(seed), 3.0).image.astype(int)
        assert (np.diff(done[0, :, 0]) >= 0).all()


def test_the_order_is_that_of_the_mapping(sample: Sample) -> None:
    assert augment(sample, {"scale": (20, 30), "ccrop": (10, 10)}, rng()).image.shape == (10, 10, 3)
    assert augment(sample, {"ccrop": (10, 10), "scale": (20, 30)}, rng()).image.shape == (20, 30, 3)


def test_no_augmentation_is_the_sample_itself(sample: Sample) -> None:
    assert augment(sample, {}, rng()) is sample


def test_an_unknown_name_is_refused(sample: Sample) -> None:
    with pytest.raises(ConfigError, match=r"no augmentation named 'hflop' .*did you mean 'hflip'"):
        augment(sample, {"hflop": 1.0}, rng())
