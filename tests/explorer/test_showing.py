"""What is compared, coloured, masked, taken away, restored and refused, in a real browser."""

import io
import json
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from explorer.fake_server import SIZES, TOKEN, Fake, Server, depth, saliency

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import expect

from explorer.browsing import Visit

FCN, MONODEPTH = SIZES["fcn"], SIZES["monodepth"]


def png() -> bytes:
    """A picture's file."""
    file = io.BytesIO()
    Image.new("RGB", (64, 32), (200, 30, 30)).save(file, "png")
    return file.getvalue()


def test_overlap_and_difference_of_two_networks_are_numpys(seen: Visit):
    seen.point("answer fcn", 30, 90, FCN)
    seen.settled("map monodepth")
    seen.page.get_by_role("button", name="Overlap").click()
    a, b = saliency("fcn", 30, 90), saliency("monodepth", 61, 181)
    b = b[1::2, 1::2]  # the pixels under the same parts of the picture
    tops = [one >= np.sort(one, axis=None)[int(one.size * 0.9)] for one in (a, b)]
    iou = (tops[0] & tops[1]).sum() / (tops[0] | tops[1]).sum()
    expect(seen.panel("compare").locator(".note")).to_have_text(f"IoU {iou:.3f} of the largest 10 %")
    found = seen.array("compare")
    np.testing.assert_array_equal(found == 1, tops[0] & tops[1])
    seen.page.get_by_role("button", name="Difference").click()
    levels = [np.sort(one, axis=None)[int(one.size * 0.995)] for one in (a, saliency("monodepth", 61, 181))]
    wanted = np.minimum(a / levels[0], 1) - np.minimum(b / levels[1], 1)
    np.testing.assert_allclose(seen.array("compare"), wanted, atol=1e-6)


def test_two_pins_are_flipped_by_a_key(seen: Visit):
    for row, column in [(20, 30), (45, 150)]:
        seen.click("picture", row, column, FCN)
    compare = seen.open_part("Compare")
    compare.get_by_label("A", exact=True).select_option(label="FCN-8s at pin 1")
    compare.get_by_label("B", exact=True).select_option(label="FCN-8s at pin 2")
    seen.canvas("picture").focus()
    for where in [(20, 30), (45, 150), (20, 30)]:
        seen.page.keyboard.press("f")
        seen.settled("compare")
        np.testing.assert_array_equal(seen.array("compare"), saliency("fcn", *where))
    seen.page.keyboard.press("c")
    expect(seen.panel("compare")).to_have_count(0)


def test_targets_margins_methods_and_random_weights_are_asked_for(seen: Visit, fake: Fake):
    page = seen.page
    page.get_by_label("FCN-8s: what is explained").select_option(label="margin of two classes")
    page.get_by_label("FCN-8s: class").select_option("sky")
    page.get_by_label("FCN-8s: less class").select_option("car")
    page.get_by_label("Method", exact=True).select_option("input_x_gradient")
    page.get_by_label("Monodepth: weights").select_option("random")
    seen.settled("map fcn")
    seen.settled("map monodepth")
    # in any order: questions come by several connections
    asked = [
        {words[key] for key in ("network", "target", "method", "model")}
        for path, words in fake.asked
        if path == "api/map"
    ]
    assert {"fcn", "sky:car", "input_x_gradient", "trained"} in asked
    assert {"monodepth", "depth", "input_x_gradient", "random"} in asked
    expect(seen.panel("map fcn").get_by_role("heading")).to_have_text("FCN-8s · sky less car: 7.25")
    expect(seen.panel("map monodepth").get_by_role("heading")).to_have_text("Monodepth · depth, random weights")
    np.testing.assert_array_equal(
        seen.array("map monodepth"), saliency("monodepth", 77, 209, "random", "input_x_gradient")
    )


def test_colours_change_without_a_request(seen: Visit, fake: Fake):
    part = seen.open_part("Colours")
    before, shot = len(fake.asked), seen.canvas("map fcn").screenshot()
    part.get_by_label("Colour map").select_option("viridis")
    part.get_by_label("Opacity").fill("0.4")
    part.get_by_label("Outline of largest").fill("0.1")
    part.get_by_label("Logarithm").check()
    part.get_by_label("Patches").select_option("8")
    part.get_by_label("Full at percentile").fill("95")
    seen.drawn()
    assert seen.canvas("map fcn").screenshot() != shot
    assert len(fake.asked) == before
    patches = saliency("fcn", 38, 104).reshape(8, 8, 26, 8).sum((1, 3))
    np.testing.assert_allclose(seen.array("map fcn")[::8, ::8], patches, rtol=1e-5)


def test_quantiles_shares_and_outlines_are_numpys(seen: Visit):
    values = saliency("fcn", 20, 30)
    found = seen.page.evaluate(
        """async ([values, size]) => {
          const m = await import("./static/measures.js");
          const map = Float32Array.from(values);
          const shares = [0, 0.5, 0.9, 0.995, 1];
          const path = m.outlinePath(map, size, m.quantile(map, 0.9));
          return { quantiles: shares.map((share) => m.quantile(map, share)), share: m.shareUpTo(map, map[1000]), path };
        }""",
        [values.ravel().tolist(), list(values.shape)],
    )
    ordered = np.sort(values, axis=None)
    at = [min(int(share * values.size), values.size - 1) for share in (0, 0.5, 0.9, 0.995, 1)]
    assert found["quantiles"] == ordered[at].tolist()
    assert found["share"] == (values <= values.flat[1000]).mean()
    inside = np.pad(values >= ordered[at[2]], 1)
    edges = (inside[1:] != inside[:-1]).sum() + (inside[:, 1:] != inside[:, :-1]).sum()
    lengths = 0
    for part in found["path"].split("M")[1:]:
        x, rest = part.split(" ", 1)
        y, end = rest.replace("V", "H").split("H")
        lengths += abs(int(end) - int(x if "H" in rest else y))
    assert lengths == edges


def test_reloading_and_the_link_in_another_window_restore_everything(seen: Visit, opened: Callable[..., Visit]):
    seen.click("picture", 20, 30, FCN)
    seen.click("picture", 50, 120, FCN)
    seen.page.get_by_label("FCN-8s: what is explained").select_option("car")
    seen.page.get_by_label("Method", exact=True).select_option("input_x_gradient")
    seen.page.get_by_role("button", name="Difference").click()
    seen.page.get_by_label("Colour map").select_option("turbo")
    seen.page.get_by_label("Patches").select_option("16")
    seen.page.get_by_role("button", name="Colours of the page").click()
    seen.canvas("picture").focus()
    seen.page.keyboard.press("+")
    seen.page.keyboard.press("h")
    seen.page.wait_for_url("**held=1**")
    address = seen.page.url

    def look(one: Visit) -> list[object]:
        one.settled("map fcn")
        one.settled("compare")
        choices = [
            one.page.get_by_label(name, exact=True) for name in ("Method", "FCN-8s: what is explained", "Colour map")
        ]
        return [
            one.value("map fcn"),
            *(choice.input_value() for choice in choices),
            one.page.get_by_role("button", name="Difference").get_attribute("aria-pressed"),
            one.page.locator(".explorer").get_attribute("data-theme"),
            [round(mark.bounding_box()["x"]) for mark in one.page.locator("button.mark").all()],  # pins, and the view
        ]

    seen.page.mouse.move(0, 0)
    before = look(seen)
    seen.page.reload()
    assert look(seen) == before
    assert look(opened(address)) == before


def test_what_a_link_says_of_what_is_not_there_is_left_out(opened: Callable[..., Visit], server: Server):
    seen = opened(
        f"{server.address}#picture=no&networks=no&at=900,1,64,208&pins=x;1,2&method=no&colours.map=no&models.fcn=no&view.zoom=NaN"
    )
    seen.settled("map fcn")
    expect(seen.page.locator("button.mark")).to_have_count(0)


def test_a_broken_picture_is_one_sentence_and_a_good_one_opens(seen: Visit):
    chooser = seen.page.get_by_label("Picture from this computer")
    seen.problems_are_expected("400")
    chooser.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(
        seen.page.get_by_role("status").filter(has_text="broken.png is no picture that can be read.")
    ).to_be_visible()
    chooser.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": png()})
    expect(seen.page.get_by_label("Picture", exact=True).locator("option:checked")).to_have_text("mine.png")
    expect(seen.panel("truth fcn")).to_have_count(0)
    seen.settled("map fcn")


def test_a_question_that_is_refused_is_one_sentence_and_is_not_put_again(seen: Visit, fake: Fake):
    seen.problems_are_expected("400")
    seen.page.get_by_label("FCN-8s: what is explained").select_option(label="margin of two classes")
    seen.page.get_by_label("FCN-8s: class").select_option("sky")
    seen.settled("map fcn")
    seen.page.get_by_label("FCN-8s: less class").select_option("sky")
    expect(seen.badge("map fcn")).to_have_text("A class less itself is nothing.")
    for column in range(20, 30):
        seen.point("map monodepth", 20, column, MONODEPTH)  # which reads
    refused = [words["exact"] for _, words in list(fake.asked) if words.get("target") == "sky:sky"]
    assert sorted(refused) in (["1"], ["0", "1"])  # once each, the nearest and the exact
    seen.page.get_by_label("FCN-8s: less class").select_option("car")
    seen.settled("map fcn")
    expect(seen.badge("map fcn")).to_be_hidden()


def test_a_picture_that_went_out_of_memory_is_told_and_another_opens(seen: Visit, fake: Fake):
    seen.problems_are_expected("410")
    picture = seen.page.get_by_label("Picture", exact=True)
    picture.select_option("p1")
    seen.settled("map fcn")
    del fake.pictures[1]
    seen.point("picture", 20, 30, FCN)
    expect(seen.page.get_by_role("status").filter(has_text="This picture is no longer in memory.")).to_be_visible()
    expect(picture.locator("option:checked")).to_have_text("street_0001.png")
    seen.settled("map fcn")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_pictures_are_dropped_and_pasted(seen: Visit, way: str):
    seen.page.evaluate(
        """([way, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(bytes)], "mine.png", { type: "image/png" }));
          const event = way === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
          document.querySelector(".board").dispatchEvent(event);
        }""",
        [way, list(png())],
    )
    expect(seen.page.get_by_label("Picture", exact=True).locator("option:checked")).to_have_text("mine.png")
    seen.settled("map fcn")


def test_a_masked_picture_opens_and_leads_back(seen: Visit, fake: Fake):
    part = seen.open_part("Mask")
    part.get_by_label("Largest pixels").fill("0.2")
    part.get_by_role("button", name="Delete them").click()
    picture = seen.page.get_by_label("Picture", exact=True).locator("option:checked")
    expect(picture).to_have_text("delete 0.2")
    asked = next(words for path, words in fake.asked if path == "api/masked")
    assert (asked["row"], asked["column"], asked["action"]) == ("38", "104", "delete")
    seen.settled("map fcn")
    seen.page.locator(".bar").get_by_role("button", name="Back to the original").click()
    expect(picture).to_have_text("street_0001.png")


def test_the_server_goes_away_and_comes_back(seen: Visit, server: Server):
    seen.problems_are_expected("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")
    server.stop()
    seen.point("picture", 12, 40, FCN)
    banner = seen.page.get_by_role("alert")
    expect(banner).to_have_text("The server does not answer. Trying again by itself …")
    server.start()
    expect(banner).to_be_hidden()
    seen.settled("map fcn")
    assert seen.number("map fcn") == pytest.approx(saliency("fcn", 12, 40)[12, 40], rel=6e-3)


def test_without_the_token_one_sentence_says_what_is_missing(opened: Callable[..., Visit], server: Server):
    seen = opened(server.address.replace(TOKEN, "another"))
    seen.problems_are_expected("401")
    expect(seen.page.get_by_role("alert")).to_have_text("This address needs the token that segdepth explore printed.")


def test_fields_edges_study_and_code_are_shown(seen: Visit, fake: Fake):
    fields = seen.open_part("Receptive field")
    with seen.page.expect_response(
        lambda response: "api/fields" in response.url and "network=monodepth" in response.url
    ):
        fields.get_by_label("Theoretical").check()
    seen.page.get_by_label("B", exact=True).select_option(label="edges of the picture")
    seen.settled("compare")
    study = seen.open_part("Study")
    expect(study.locator("figcaption").first).to_have_text("spread0.288, mean 0.41")
    expect(study.locator("line.mark")).to_have_count(1)
    seen.page.get_by_role("button", name="Code").click()
    expect(seen.page.get_by_role("textbox", name="Python, FCN-8s")).to_have_value(
        "Explainer(net).at(image).maps([(38, 104)])"
    )


def test_a_panel_is_taken_away_as_png_svg_and_npy(seen: Visit):
    seen.click("picture", 20, 30, FCN)
    seen.settled("map fcn")
    picture = Image.open(io.BytesIO(seen.saved("map fcn", "png")))
    assert picture.size == (5 * FCN[1], 5 * FCN[0])
    svg = ElementTree.fromstring(seen.saved("map fcn", "svg"))
    assert svg.attrib["viewBox"] == f"0 0 {FCN[1]} {FCN[0]}"
    assert svg.find("{*}image").attrib["href"].startswith("data:image/png")
    assert len(svg.findall("{*}circle")) == 1, "what is asked about is the pin"
    answer = seen.array("answer monodepth")
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer, depth(*MONODEPTH))


def test_panels_of_four_networks_fill_the_page_and_their_values_can_be_read(opened: Callable[..., Visit], fake: Fake):
    fake.networks = ("fcn", "monodepth", "vit", "hrnet")
    seen = opened(viewport={"width": 1440, "height": 900})
    seen.settled("map hrnet")
    seen.page.get_by_label("Truths").uncheck()
    seen.drawn()
    boxes = {name: seen.canvas(f"map {name}").bounding_box() for name in fake.networks}
    assert boxes["fcn"]["y"] == boxes["monodepth"]["y"] < boxes["vit"]["y"] == boxes["hrnet"]["y"]
    assert boxes["fcn"]["x"] == boxes["vit"]["x"]
    assert min(box["width"] for box in boxes.values()) > 500
    seen.page.get_by_label("Truths").check()
    seen.page.set_viewport_size({"width": 1024, "height": 768})
    seen.drawn()
    seen.point("answer fcn", 30, 90, FCN)
    for panel in seen.page.locator("section.panel").all():
        value = panel.locator(".value")
        assert value.evaluate("one => one.scrollWidth <= one.clientWidth"), panel.get_attribute("data-panel")
    expect(seen.panel("truth fcn").get_by_role("heading")).to_have_text("Truth · seg")
    expect(seen.page.locator('[data-panel^="truth"]')).to_have_count(2)  # of one kind there is one


@pytest.mark.slow
def test_four_networks_stand_side_by_side(opened: Callable[..., Visit], fake: Fake):
    fake.networks = ("fcn", "monodepth", "vit", "hrnet")
    seen = opened()
    for network in fake.networks:
        seen.settled(f"map {network}")
    seen.page.get_by_role("checkbox", name="ViT-Tiny").uncheck()
    expect(seen.panel("map vit")).to_have_count(0)
    seen.point("answer fcn", 10, 10, FCN)
    seen.settled("map hrnet")
    np.testing.assert_array_equal(seen.array("map hrnet"), saliency("hrnet", 15, 15))


WINDOWS = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.mark.parametrize(
    ("scheme", "window"),
    [
        pytest.param("light", "wide", marks=pytest.mark.slow),
        ("dark", "wide"),
        pytest.param("dark", "phone", marks=pytest.mark.slow),
        pytest.param("light", "phone", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing(opened: Callable[..., Visit], scheme: str, window: str):
    seen = opened(color_scheme=scheme, viewport=WINDOWS[window], bypass_csp=True)
    seen.settled("map fcn")
    if window == "phone":
        seen.page.get_by_role("button", name="Controls").click()
    seen.canvas("picture").focus()
    seen.page.keyboard.press("Enter")
    for title in ("Mask", "Receptive field", "Study"):
        seen.open_part(title)
    expect(seen.page.locator("figure.histogram").first).to_be_attached()
    assert complaints(seen) == []
    seen.canvas("picture").focus()
    seen.page.keyboard.press("?")
    assert complaints(seen) == []


def complaints(seen: Visit) -> list[str]:
    """What axe says against the page by WCAG 2, A and AA."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = axe.Axe().run(seen.page, options=rules).response["violations"]
    return [f"{one['id']}: {json.dumps([node['html'] for node in one['nodes']])}" for one in found]
