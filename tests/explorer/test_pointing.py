"""Pointing, pinning and reading values in a real browser, with mouse, keyboard and finger."""

from collections.abc import Callable

import numpy as np
import pytest

from explorer.fake_server import CLASSES, SIZES, Fake, depth, labels, picture, saliency

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import expect

from explorer.browsing import PATIENCE, Visit

FCN, MONODEPTH = SIZES["fcn"], SIZES["monodepth"]


def test_pointing_shows_the_map_of_that_pixel_and_says_its_values_as_the_server_gave_them(seen: Visit):
    for row, column in [(20, 30), (50, 160)]:
        seen.point("picture", row, column, FCN)
        seen.settled("map fcn")
        wanted = saliency("fcn", row, column)
        np.testing.assert_array_equal(seen.array("map fcn"), wanted)
        seen.point("picture", row, column, FCN)
        seen.settled("map fcn")
        assert seen.number("map fcn") == pytest.approx(wanted[row, column], rel=6e-3)
        share = 100 * (wanted <= wanted[row, column]).mean()
        assert seen.value("map fcn").endswith(f"percentile {share:.1f}")


def test_every_panel_says_what_is_under_the_cursor(seen: Visit):
    row, column = 44, 150
    seen.point("answer fcn", row, column, FCN)
    seen.settled("map fcn")
    y, x = 2 * row + 1, 2 * column + 1  # the same part of the picture, which is twice as large
    assert seen.value("picture") == "RGB " + " ".join(map(str, picture()[y, x]))
    logit = 9 * (row * FCN[1] + column) / (FCN[0] * FCN[1] - 1)
    name = CLASSES[labels(*FCN)[row, column]]
    assert seen.value("answer fcn") == f"{name} · logit {logit + 3:.3g} · margin {logit:.3g}"
    assert seen.value("truth fcn") == name
    assert seen.value("answer monodepth") == f"{depth(*MONODEPTH)[y, x]:.2f} m"
    assert seen.number("map monodepth") == pytest.approx(saliency("monodepth", y, x)[y, x], rel=6e-3)


def test_networks_of_other_sizes_are_asked_about_the_same_part_of_the_picture(seen: Visit, fake: Fake):
    fake.asked.clear()
    seen.point("answer monodepth", 101, 203, MONODEPTH)
    seen.settled("map fcn")
    seen.settled("map monodepth")
    exact = {
        w["network"]: (int(w["row"]), int(w["column"]))
        for path, w in fake.asked
        if path == "api/map" and w["exact"] == "1"
    }
    assert exact == {"fcn": (50, 101), "monodepth": (101, 203)}


def test_pointing_at_a_map_reads_it_and_keeps_it(seen: Visit):
    seen.point("picture", 30, 60, FCN)
    seen.settled("map fcn")
    seen.point("map fcn", 33, 64, FCN)
    wanted = saliency("fcn", 30, 60)
    expect(seen.panel("map fcn").locator(".value")).to_contain_text("percentile")
    assert seen.number("map fcn") == pytest.approx(wanted[33, 64], rel=6e-3)
    seen.settled("map fcn")


def test_the_server_is_told_where_the_pointer_rests_on_a_map_that_the_page_has(seen: Visit, fake: Fake):
    for place in [(20, 30), (21, 30)]:
        seen.point("picture", *place, FCN)
        seen.settled("map fcn")
    with seen.page.expect_response(lambda response: "api/point" in response.url and "network=fcn" in response.url):
        seen.point("picture", 20, 30, FCN)
    told = [words for path, words in fake.asked if path == "api/point" and words["network"] == "fcn"]
    assert [(words["row"], words["column"]) for words in told] == [("20", "30")]


def test_until_the_map_is_there_the_nearest_computed_one_is_shown_and_named(seen: Visit, fake: Fake):
    fake.delay = 1.0
    seen.point("picture", 19, 139, FCN)
    expect(seen.badge("map fcn")).to_have_text("nearest computed: (24, 136)")
    np.testing.assert_array_equal(seen.array("map fcn"), saliency("fcn", 24, 136))
    seen.point("picture", 19, 139, FCN)
    seen.settled("map fcn")
    expect(seen.badge("map fcn")).to_be_hidden()


def test_an_answer_that_belongs_to_something_else_is_not_shown(seen: Visit, fake: Fake):
    seen.point("picture", 10, 10, FCN)
    seen.settled("map fcn")
    fake.wrong = True
    with seen.page.expect_response(lambda response: "exact=1" in response.url and "row=40" in response.url):
        seen.point("picture", 40, 100, FCN)
    expect(seen.badge("map fcn")).to_have_text("nearest computed: (10, 10)")
    fake.wrong = False
    seen.settled("map fcn")  # it asks again by itself
    np.testing.assert_array_equal(seen.array("map fcn"), saliency("fcn", 40, 100))


def test_keys_alone_move_pin_go_through_pins_and_remove_them(seen: Visit, fake: Fake):
    press = seen.page.keyboard.press
    live = seen.page.locator("[aria-live]")
    start = (38, 104)
    expect(live).to_contain_text(f"({start[0]}, {start[1]})")
    press("ArrowUp")
    press("Shift+ArrowRight")
    seen.settled("map fcn")
    expect(live).to_contain_text(f"({start[0] - 1}, {start[1] + 8})")
    expect(live).to_contain_text("FCN-8s: road")
    press("Enter")
    press("Shift+ArrowDown")
    press("Enter")
    marks = seen.page.locator("button.mark")
    expect(marks).to_have_count(2)
    for _ in range(4):  # saving's menu, then the pins
        press("Tab")
        if marks.first.evaluate("mark => mark === document.activeElement"):
            break
    expect(marks.first).to_be_focused()
    expect(marks.first).to_have_accessible_name("Pin 1, (37, 112)")
    seen.settled("map fcn")
    assert seen.number("map fcn") == pytest.approx(saliency("fcn", 37, 112)[37, 112], rel=6e-3)
    press("Tab")
    expect(marks.nth(1)).to_be_focused()
    press("Delete")
    expect(marks).to_have_count(1)
    expect(marks.first).to_be_focused()
    press("?")
    expect(seen.page.get_by_role("dialog", name="Keys")).to_be_visible()
    press("Escape")
    expect(marks.first).to_be_focused()


def test_places_are_counted_in_the_first_networks_pixels_wherever_they_were_pinned(seen: Visit, fake: Fake):
    seen.click("picture", 101, 203, MONODEPTH)
    seen.click("answer fcn", 40, 60, FCN)
    seen.click("answer monodepth", 21, 33, MONODEPTH)
    pins = seen.page.locator(".pins button.plain")
    expect(pins).to_have_text(["1   (50, 101)", "2   (40, 60)", "3   (10, 16)"])
    expect(seen.page.locator("[aria-live]")).to_contain_text("(10, 16); ")
    expect(seen.page.locator("button.mark").first).to_have_accessible_name("Pin 1, (50, 101)")
    for network in ("fcn", "monodepth"):
        seen.settled(f"map {network}")
    fake.delay = 1.0
    seen.point("picture", 19, 139, FCN)
    expect(seen.badge("map monodepth")).to_have_text("nearest computed: (20, 140)")  # (40, 280) of its own


def test_holding_keeps_the_map_while_the_pointer_reads(seen: Visit):
    seen.point("picture", 30, 60, FCN)
    seen.settled("map fcn")
    seen.page.keyboard.press("h")
    seen.point("picture", 32, 63, FCN)
    assert seen.number("map fcn") == pytest.approx(saliency("fcn", 30, 60)[32, 63], rel=6e-3)
    seen.page.keyboard.press("Escape")
    seen.point("picture", 33, 63, FCN)
    seen.settled("map fcn")
    assert seen.number("map fcn") == pytest.approx(saliency("fcn", 33, 63)[33, 63], rel=6e-3)


def test_a_brushed_region_is_explained_until_it_is_let_go(seen: Visit, fake: Fake):
    fake.asked.clear()
    mouse = seen.page.mouse
    seen.page.keyboard.down("Shift")
    seen.point("answer fcn", 10, 20, FCN)
    mouse.down()
    seen.point("answer fcn", 15, 29, FCN)
    seen.point("answer fcn", 17, 39, FCN)
    mouse.up()
    seen.page.keyboard.up("Shift")
    seen.settled("map fcn")
    regions = {
        words["network"]: words["region"] for path, words in fake.asked if path == "api/map" and "region" in words
    }
    assert regions == {"fcn": "10,20,18,40", "monodepth": "20,40,36,80"}
    seen.page.keyboard.press("Escape")
    seen.point("picture", 50, 50, FCN)
    seen.settled("map fcn")
    assert fake.asked[-1][1].get("region") is None


def test_wheel_and_keys_magnify_around_the_pixel_and_dragging_moves(seen: Visit):
    row, column = 40, 121
    x, y = seen.spot("picture", row, column, MONODEPTH)
    seen.page.mouse.move(x, y)
    seen.settled("map fcn")
    before = seen.value("picture")
    for _ in range(6):
        seen.page.mouse.wheel(0, -240)
    seen.page.mouse.move(x + 0.4, y)  # the pixel is large now, and where it was
    seen.settled("map fcn")
    expect(seen.panel("picture").locator(".value")).to_have_text(before)
    seen.page.mouse.down()
    seen.page.mouse.move(x + 40, y + 10)
    seen.page.mouse.move(x + 80, y + 20)
    seen.page.mouse.up()
    seen.page.mouse.move(x + 80.4, y + 20)  # it went with the pointer
    expect(seen.panel("picture").locator(".value")).to_have_text(before)
    seen.page.keyboard.press("0")
    seen.point("picture", row, column, MONODEPTH)
    expect(seen.panel("picture").locator(".value")).to_have_text(before)


def test_a_finger_points_at_a_phones_width(opened: Callable[..., Visit]):
    seen = opened(viewport={"width": 390, "height": 844}, has_touch=True)
    seen.settled("map fcn")
    seen.page.touchscreen.tap(*seen.spot("picture", 12, 33, FCN))
    seen.settled("map fcn")
    expect(seen.panel("map fcn").locator(".value")).to_contain_text("percentile")
    assert seen.number("map fcn") == pytest.approx(saliency("fcn", 12, 33)[12, 33], rel=6e-3)
    seen.page.get_by_role("button", name="Controls").click()
    expect(seen.page.get_by_role("complementary", name="Controls")).to_be_visible()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390


def storm(seen: Visit, seconds: float) -> None:
    """Thirty moves a second, and what must be true after them."""
    seen.count_maps()
    rng = np.random.default_rng(0)
    steps = np.clip(np.cumsum(rng.normal(0, 6, (int(30 * seconds), 2)), 0) + np.array([32, 104]), 0, (63, 207)).astype(
        int
    )
    for row, column in steps:
        seen.page.mouse.move(*seen.spot("picture", row, column, FCN))
        seen.page.wait_for_timeout(1000 / 30)
    seen.settled("map fcn")
    seen.settled("map monodepth")
    assert seen.most_maps() == {"fcn 0": 1, "fcn 1": 1, "monodepth 0": 1, "monodepth 1": 1}
    row, column = map(int, steps[-1])
    assert seen.number("map fcn") == pytest.approx(saliency("fcn", row, column)[row, column], rel=6e-3)
    expect(seen.badge("map fcn")).to_be_hidden(timeout=PATIENCE)


def test_a_storm_of_pointing_leaves_no_queue(seen: Visit, fake: Fake):
    fake.delay = 0.08
    storm(seen, 1)


@pytest.mark.slow
def test_ten_seconds_of_pointing_leave_no_queue_and_no_growth_of_memory(seen: Visit, fake: Fake):
    fake.delay = 0.02
    client = seen.page.context.new_cdp_session(seen.page)

    def held() -> float:
        client.send("HeapProfiler.collectGarbage")
        numbers = client.send("Runtime.getHeapUsage")
        return numbers["usedSize"] + numbers.get("backingStorageSize", 0)

    storm(seen, 10)
    first = held()
    storm(seen, 10)
    assert held() < first + 80 * 2**20  # maps that are kept have 64 MiB
