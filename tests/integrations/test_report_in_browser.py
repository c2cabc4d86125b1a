"""The page of a report in a real browser: nothing fetched, no complaint, controls that work."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

import topopert as tp
from tests.comparison.quick import quick

pytestmark = pytest.mark.integration

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
N_ROWS = 150


class Browser:
    """Chromium with the page open."""

    def __init__(self, driver, url: str) -> None:
        self.driver = driver
        self.driver.get(url)

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str, *arguments):
        """What the script returns once it is true."""
        deadline = time.monotonic() + 20
        while not (answer := self.run(script, *arguments)):
            assert time.monotonic() < deadline, f"never came true: {script}"
            time.sleep(0.05)
        return answer

    def show(self, arm: int) -> None:
        """Scroll to an arm's panels, until they are drawn as the controls say."""
        self.run("document.querySelectorAll('.panels')[arguments[0]].scrollIntoView()", arm)
        self.wait("return document.querySelectorAll('.panels')[arguments[0]].data", arm)

    def traces(self, arm: int = 0) -> list[dict]:
        return self.run(
            "return document.querySelectorAll('.panels')[arguments[0]]._fullData.map(t => ({"
            "x: Array.from(t.x ?? []), y: Array.from(t.y ?? []), colour: t.marker?.color}))",
            arm,
        )

    def element(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def choose(self, name: str, value: int) -> None:
        self.element(f"#{name} option[value='{value}']").click()

    def touch(self, kind: str, y: int | None = None) -> None:
        points = [] if y is None else [{"x": 150, "y": y}]
        self.driver.execute_cdp_cmd(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
        )

    def complaints(self) -> list:
        return self.driver.get_log("browser")

    def requests(self) -> set[str]:
        """Addresses that the page has asked for."""
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        return {
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
            and event["params"]["documentURL"].startswith("file:")
        }


@pytest.fixture(scope="module")
def report() -> tp.ComparisonReport:
    rng = np.random.default_rng(0)
    points = tp.datasets.torus(N_ROWS, ambient_dim=5, noise=0.05, rng=rng).points
    report = quick(points, latent_dim=3, controls=("shuffled",))
    arm = report.arms["shuffled"]
    latents = arm.latents.copy()
    latents[1] = np.nan
    arms = {**report.arms, "shuffled": replace(arm, latents=latents, diverged=(1,))}
    return replace(report, arms=MappingProxyType(arms))


COLUMNS = {
    "label <b>": np.arange(N_ROWS) % 3,
    "number": np.linspace(0, 10, N_ROWS) ** 2,
}


@pytest.fixture(params=SIZES)
def chromium(request, tmp_path):
    """A browser of that size; called with the page's path it opens the page."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs the extra `browser`")
    programs = [shutil.which("chromium"), shutil.which("chromedriver")]
    if None in programs:
        pytest.skip("chromium is not installed: apt-get install chromium chromium-driver")
    width, height = SIZES[request.param]
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.add_argument(f"--window-size={width},{height}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if request.param == "phone":
        metrics = {"width": width, "height": height, "pixelRatio": 2.0, "touch": True}
        options.add_experimental_option(
            "mobileEmulation", {"deviceMetrics": {**metrics, "mobile": True}}
        )
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=programs[1])
    )
    try:
        yield lambda path: Browser(driver, path.as_uri())
    finally:
        driver.quit()


def test_the_page_works(report, chromium, tmp_path) -> None:
    path = tmp_path / "report.html"
    report.to_html(path, columns=COLUMNS, title="<script>alert('x')</script>")
    page = chromium(path)

    # It opens with all still figures drawn, no wider than the window.
    page.wait(
        "const figures = [...document.querySelectorAll('.figure')];"
        "return figures.length === 3 && figures.every(f => f.querySelector('.scatterlayer path'))"
    )
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert report.verdict in page.element("header").text
    assert page.element("h1").text == "<script>alert('x')</script>"

    # The latents are those of the report, coloured by the first column.
    page.show(0)
    before = page.traces()
    assert len(before) == len(report.arms["baseline"].latents)
    for trace, z in zip(before, report.arms["baseline"].latents, strict=True):
        np.testing.assert_allclose(trace["x"], z[:, 0], rtol=1e-6)
        np.testing.assert_allclose(trace["y"], z[:, 1], rtol=1e-6)
    labels = COLUMNS["label <b>"][report.test_rows]
    assert len(set(before[0]["colour"])) == len(set(labels)) == 3
    assert len(set(zip(before[0]["colour"], labels.tolist(), strict=True))) == 3

    # The button of another column changes colours, texts and legend, and no place.
    page.element("input[name=colour][value='1']").click()
    page.wait("return document.querySelector('.panels').data[0].text[0].includes('number')")
    numbers = page.traces()
    assert len(set(numbers[0]["colour"])) > 10
    assert numbers[0]["x"] == before[0]["x"]
    shown = "return [...document.querySelectorAll('.colour-legend')].map(e => !e.hidden)"
    assert page.run(shown) == [False, True]

    # The choice of another axis moves the points and keeps the colours.
    page.choose("up", 2)
    page.wait("return document.querySelector('.panels').dataset.view.startsWith('1 0 2')")
    for trace, z in zip(page.traces(), report.arms["baseline"].latents, strict=True):
        np.testing.assert_allclose(trace["x"], z[:, 0], rtol=1e-6)
        np.testing.assert_allclose(trace["y"], z[:, 2], rtol=1e-6)
        assert trace["colour"] == numbers[0]["colour"]

    # The same axis twice makes the two change places.
    page.choose("across", 2)
    page.wait("return document.querySelector('.panels').dataset.view.startsWith('1 2 0')")
    assert page.run("return document.getElementById('up').value") == "0"

    # An arm that was out of sight follows once it comes into sight; a diverged seed is empty.
    page.show(2)
    page.wait("return document.querySelectorAll('.panels')[2].dataset.view.startsWith('1 2 0')")
    assert [len(trace["x"]) for trace in page.traces(2)] == [30, 0, 30]

    # A narrower window draws everything anew, and the page still fits.
    page.driver.set_window_size(800, 700)
    page.run("document.querySelector('.figure').scrollIntoView()")
    page.wait(
        "const f = document.querySelector('.figure');"
        "return Math.abs(f._fullLayout.width - f.clientWidth) < 1"
    )
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")

    assert page.complaints() == []
    assert {url for url in page.requests() if not url.startswith("data:")} <= {path.as_uri()}


def test_a_drawing_lets_a_finger_scroll_and_a_mouse_zoom(report, chromium, tmp_path) -> None:
    path = tmp_path / "report.html"
    report.to_html(path)
    page = chromium(path)
    page.show(0)
    mode = "return document.querySelector('.panels')._fullLayout.dragmode"
    if page.run("return matchMedia('(pointer: coarse)').matches"):
        assert page.run(mode) is False
        before = page.run("return scrollY")
        page.touch("touchStart", 500)
        for y in range(480, 280, -20):
            page.touch("touchMove", y)
            time.sleep(0.02)
        page.touch("touchEnd")
        page.wait("return scrollY > arguments[0] + 100", before)
        return
    assert page.run(mode) == "zoom"
    reach = page.run("return document.querySelector('.panels')._fullLayout.xaxis.range[1]")
    panel = page.element(".panels .draglayer .xy .nsewdrag")
    actions = pytest.importorskip("selenium.webdriver").ActionChains(page.driver)
    actions.move_to_element_with_offset(panel, -30, -30).click_and_hold().move_by_offset(
        60, 60
    ).release().perform()
    first, second = page.wait(
        "const { xaxis, xaxis2 } = document.querySelector('.panels')._fullLayout;"
        "return xaxis.range[1] < arguments[0] && [xaxis.range, xaxis2.range]",
        reach,
    )
    assert first == second
    assert page.complaints() == []


def test_the_many_columns_of_a_table_are_chosen_from_a_list(report, chromium, tmp_path) -> None:
    path = tmp_path / "report.html"
    report.to_html(path, columns={f"column {k}": np.arange(N_ROWS) % (k + 2) for k in range(9)})
    page = chromium(path)
    page.show(0)
    page.choose("colour", 7)
    page.wait("return document.querySelector('.panels').data[0].text[0].includes('column 7')")
    assert page.complaints() == []
