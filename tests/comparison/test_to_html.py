"""The page of a report: what it says, what it refuses, and that names stay names."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from dataclasses import dataclass, fields, replace
from html.parser import HTMLParser
from types import MappingProxyType

import numpy as np
import plotly.graph_objects
import pytest

import topopert as tp
from tests.comparison.quick import quick
from topopert.comparison.web.glossary import GLOSSARY

EVIL = "</script><script>alert('x')</script><b>&amp;"


class Page(HTMLParser):
    """The text of a page, its links and its scripts."""

    def __init__(self, path) -> None:
        super().__init__()
        self.source = path.read_text()
        self.tags, self.links, self.scripts, self.texts, self.metas = [], [], [], [], []
        self.raw = ""  # the script or style that the parser is in
        self.feed(self.source)
        self.text = " ".join(" ".join(self.texts).split())
        self.data = json.loads(self.scripts[0])
        self.panels = self.data["latents"]

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.raw = tag if tag in ("script", "style") else ""
        self.links += [value for name, value in attrs if name in ("src", "href", "action")]
        if tag == "meta":
            self.metas.append(dict(attrs))
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag) -> None:
        self.raw = ""

    def handle_data(self, data) -> None:
        if self.raw == "script":
            self.scripts[-1] += data
        elif not self.raw:
            self.texts.append(data)


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=5, noise=0.05, rng=rng).points


@pytest.fixture(scope="module")
def report(points) -> tp.ComparisonReport:
    return quick(points, latent_dim=3, controls=("shuffled",))


@pytest.fixture(scope="module")
def large() -> tp.ComparisonReport:
    """600 rows are held out."""
    points = np.random.default_rng(0).normal(size=(3000, 3))
    return quick(points, training=tp.TrainingConfig(n_steps=2))


@pytest.fixture
def page(report, tmp_path):
    def write(report=report, **kwargs) -> Page:
        report.to_html(tmp_path / "report.html", **kwargs)
        return Page(tmp_path / "report.html")

    return write


def colours(page, column=0) -> list[tuple[str, str]]:
    entry = page.panels["columns"][column]
    return [(entry["palette"][k], entry["symbols"][k]) for k in entry["index"]]


def test_the_page_shows_verdict_reason_and_every_figure_of_every_arm(report, page) -> None:
    shown = page()
    assert report.verdict in shown.text
    assert report.reason[1:] in shown.text
    for arm in report.arms.values():
        assert arm.name in shown.text
        for record in (arm.metrics, arm.faithfulness):
            for field in fields(record):
                name = GLOSSARY.get(field.name, (field.name.replace("_", " "),))[0]
                estimate = getattr(record, field.name)
                assert name in shown.text
                assert f"{estimate.value:.3g}".replace("-", "−") in shown.text


def test_a_metric_that_the_page_does_not_know_is_shown_under_its_own_name(report, page) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class More(tp.DegeneracyMetrics):
        brand_new_metric: tp.Estimate

    arm = report.arms["perturbed"]
    known = {f.name: getattr(arm.metrics, f.name) for f in fields(arm.metrics)}
    more = More(**known, brand_new_metric=tp.Estimate(0.31415, 0.2, 0.4))
    arms = {**report.arms, "perturbed": replace(arm, metrics=more)}
    arms["baseline"] = replace(report.arms["baseline"], metrics=more)
    shown = page(replace(report, arms=MappingProxyType(arms)))
    assert "brand new metric" in shown.text
    assert "0.314" in shown.text


def test_every_setting_is_on_the_page(report, page) -> None:
    shown = page()
    for name, value in report.settings.items():
        assert name in shown.text
        if isinstance(value, dict):
            assert all(f"{name}.{inner}" in shown.text for inner in value)
    assert report.settings["points"] in shown.text
    assert ", ".join(map(str, report.test_rows)) in shown.text


def test_nothing_is_loaded_from_elsewhere(page) -> None:
    assert all(link.startswith(("#", "data:")) for link in page().links)


def test_names_stay_text(report, page) -> None:
    settings = MappingProxyType({**report.settings, EVIL: EVIL, "nested": {EVIL: [EVIL]}})
    labels = np.array([EVIL, "tame"])[np.arange(150) % 2]
    plain = page()
    shown = page(
        replace(report, settings=settings), columns={EVIL: labels, "n": labels}, title=EVIL
    )
    assert shown.tags.count("script") == plain.tags.count("script") == 3
    assert "b" not in shown.tags
    assert shown.text.count(EVIL) >= 6  # title twice, column, two legends, setting
    # plotly reads HTML in texts: they come escaped.
    assert all("<" not in text for text in shown.panels["columns"][0]["text"])


def test_the_security_policy_admits_the_two_scripts_of_the_page_alone(page) -> None:
    shown = page()
    policy = next(meta["content"] for meta in shown.metas if "http-equiv" in meta)
    allowed = policy.partition("script-src ")[2].partition(";")[0].split()
    digests = [hashlib.sha256(script.encode()).digest() for script in shown.scripts[1:]]
    assert allowed == [f"'sha256-{base64.b64encode(d).decode()}'" for d in digests]
    assert policy.startswith("default-src 'none'")


def test_the_same_report_gives_the_same_bytes(report, tmp_path) -> None:
    for name in ("a", "b"):
        report.to_html(tmp_path / name, columns={"row": np.arange(150)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_panels_hold_the_latents(report, page) -> None:
    panels = page().panels
    assert [arm["name"] for arm in panels["arms"]] == list(report.arms)
    assert panels["rows"] == report.test_rows.tolist()
    for entry, arm in zip(panels["arms"], report.arms.values(), strict=True):
        for axes, z in zip(entry["seeds"], arm.latents, strict=True):
            read = [np.frombuffer(base64.b64decode(a["bdata"]), dtype="<f4") for a in axes]
            np.testing.assert_array_equal(np.array(read).T, z.astype(np.float32))


def test_a_column_of_all_points_is_cut_to_the_held_out_rows(report, page) -> None:
    column = np.random.default_rng(0).normal(size=150)
    whole = page(columns={"c": column})
    part = page(columns={"c": column[report.test_rows]})
    assert whole.source == part.source


def test_labels_have_colours_of_their_own(page) -> None:
    labels = np.arange(150) % 4
    for column in (labels, labels.astype(str), labels.astype(float), labels.astype(object)):
        shown = page(columns={"label": column})
        pairs = set(zip(shown.panels["columns"][0]["text"], colours(shown), strict=True))
        assert len(pairs) == len({colour for _, (colour, _) in pairs}) == 4


def test_up_to_thirty_labels_are_told_apart_and_rarer_ones_are_grey(large, page) -> None:
    labels = np.array([f"kind {k}" for k in np.arange(600) % 31])
    labels[labels == "kind 9"] = "kind 6"
    labels[9] = "kind 9"
    shown = page(large, columns={"label": np.append(labels, "kind 31")[-600:]})
    pairs = set(zip(shown.panels["columns"][0]["text"], colours(shown), strict=True))
    assert len(pairs) == 32
    assert len({look for _, look in pairs}) == 31
    assert {text for text, look in pairs if look == ("#d0d0d0", "circle")} == {
        "label: kind 9",
        "label: kind 31",
    }
    assert "2 rarer ones" in shown.text


def test_the_colours_of_an_angle_close_up(report, page) -> None:
    angle = np.linspace(0, 2 * np.pi, len(report.test_rows))
    for column in (angle, angle - np.pi):
        looks = colours(page(columns={"angle": column}))
        assert looks[0] == looks[-1]
        assert looks[0] != looks[len(looks) // 2]


def test_numbers_run_over_one_gradient(report, page) -> None:
    column = np.arange(len(report.test_rows)) ** 2 / 7
    shown = page(columns={"number": column})
    index = shown.panels["columns"][0]["index"]
    assert index == sorted(index)
    assert (index[0], index[-1]) == (0, 63)


def test_an_outlier_does_not_take_the_colours_of_the_others(large, page) -> None:
    column = np.linspace(-1, 1, 600)
    column[-1] = 1e9
    shown = page(large, columns={"c": column})
    assert len(set(colours(shown))) > 50
    assert "≤ −0.98" in shown.text
    assert "≥ 0.98" in shown.text


def test_what_is_missing_is_grey_and_named(report, page) -> None:
    column = np.linspace(0, 1, len(report.test_rows))
    column[[2, 5]] = np.nan, np.inf
    shown = page(columns={"c": column, "all": np.full(len(column), np.nan)})
    grey = [k for k, (colour, _) in enumerate(colours(shown)) if colour == "#d0d0d0"]
    assert grey == [2, 5]
    assert shown.panels["columns"][0]["text"][2] == "c: missing"
    assert {colour for colour, _ in colours(shown, 1)} == {"#d0d0d0"}
    assert "missing" in shown.text


def test_a_text_that_is_missing_is_a_label_of_its_own(report, page) -> None:
    column = np.array(["a", None, float("nan"), "nan"] * 10, dtype=object)[:30]
    text = page(columns={"c": column}).panels["columns"][0]["text"]
    assert text[:4] == ["c: a", "c: missing", "c: missing", "c: nan"]


def test_without_columns_the_points_are_coloured_by_the_axes_of_one_seed(report, page) -> None:
    shown = page()
    assert "axis 3 of perturbed, seed 0" in shown.text
    first = report.arms["perturbed"].latents[0, :, 0]
    index = np.array(shown.panels["columns"][0]["index"])
    order = np.argsort(first)
    assert (np.diff(index[order]) >= 0).all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": np.zeros(149)}, r"'label' has 149 values.*150 points.*30 held-out"),
        ({"label": np.zeros((150, 2))}, r"shape \(150, 2\)"),
        ({"label": np.zeros(150, dtype=complex)}, "complex128"),
        ({"label": 3.0}, r"shape \(\)"),
        ({"label": [[1], [1, 2]]}, "'label' is no array"),
        ([np.zeros(150)], "must map names to columns"),
        ({1: np.zeros(150), "1": np.zeros(150)}, "same name"),
    ],
)
def test_a_column_that_does_not_fit_is_refused_before_anything_is_written(
    report, tmp_path, columns, message
) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        report.to_html(tmp_path / "report.html", columns=columns)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused(report, tmp_path) -> None:
    with pytest.raises(tp.InvalidInputError, match="is a folder"):
        report.to_html(tmp_path)
    with pytest.raises(tp.InvalidInputError, match="is not there"):
        report.to_html(tmp_path / "no" / "report.html")
    with pytest.raises(tp.InvalidInputError, match="must be the path"):
        report.to_html(3)
    with pytest.raises(tp.InvalidInputError, match="`title` must be text"):
        report.to_html(tmp_path / "report.html", title=3)
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_is_there_is_replaced_and_nothing_lies_beside_it(report, tmp_path) -> None:
    target = tmp_path / "report.html"
    target.write_text("former")
    report.to_html(str(target))
    assert report.verdict in target.read_text()
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("missing", ["plotly", "jinja2"])
def test_a_missing_package_is_named_with_its_extra(report, tmp_path, monkeypatch, missing) -> None:
    class Without:
        @staticmethod
        def find_spec(fullname, path=None, target=None) -> None:
            if fullname.partition(".")[0] == missing:
                raise ModuleNotFoundError(name=missing)

    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without, *sys.meta_path])
    with pytest.raises(tp.MissingDependencyError, match=r"topopert\[html\]"):
        report.to_html(tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_plotly_knows_every_property_of_the_figures(page) -> None:
    figures = page().data["figures"]
    assert set(figures) == {"disparities", "curves", "diagrams"}
    for figure in figures.values():
        plotly.graph_objects.Figure(figure)


def test_the_intervals_drawn_are_those_of_the_table(report, page) -> None:
    trace = page().data["figures"]["disparities"]["data"][0]
    for k, arm in enumerate(report.arms.values()):
        estimate = arm.metrics.disparity
        bar = trace["error_x"]
        assert trace["x"][k] == pytest.approx(estimate.value)
        assert trace["x"][k] + bar["array"][k] == pytest.approx(estimate.high, rel=1e-4)
        assert trace["x"][k] - bar["arrayminus"][k] == pytest.approx(estimate.low, rel=1e-4)


def test_a_disparity_of_zero_is_drawn_at_the_floor(report, page) -> None:
    arm = report.arms["perturbed"]
    zero = replace(arm.metrics, disparity=tp.Estimate(0.0, 0.0, 0.0))
    arms = {**report.arms, "perturbed": replace(arm, metrics=zero)}
    trace = page(replace(report, arms=MappingProxyType(arms))).data["figures"]["disparities"]
    assert trace["data"][0]["x"][1] == 1e-6
    assert trace["data"][0]["error_x"]["arrayminus"][1] == 0


def test_learning_curves_are_drawn_on_a_log_axis_where_they_can_be(report, page) -> None:
    layout = page().data["figures"]["curves"]["layout"]
    assert layout["yaxis"]["type"] == "log"
    arms = {
        name: replace(arm, learning_curve=arm.learning_curve - 1e3)
        for name, arm in report.arms.items()
    }
    below = page(replace(report, arms=MappingProxyType(arms))).data["figures"]["curves"]
    assert below["layout"]["yaxis"]["type"] == "linear"


def test_seeds_that_diverged_are_named_and_not_drawn(report, page) -> None:
    arm = report.arms["shuffled"]
    latents, neg_elbo = arm.latents.copy(), arm.neg_elbo.copy()
    curve = arm.learning_curve.copy()
    latents[1], neg_elbo[1], curve[5:, 1] = np.nan, np.nan, np.nan
    broken = replace(
        arm,
        latents=latents,
        neg_elbo=neg_elbo,
        learning_curve=curve,
        diverged=(1,),
        metrics=None,
        faithfulness=None,
    )
    shown = page(replace(report, arms=MappingProxyType({**report.arms, "shuffled": broken})))
    seeds = shown.panels["arms"][2]["seeds"]
    assert [axes is None for axes in seeds] == [False, True, False]
    assert "fewer than 3 seeds" in shown.text
    assert "fewer than 3 seeds" not in page().text
    assert "nan" not in shown.text.lower()


def test_arms_that_diverged_altogether_still_make_a_page(report, page) -> None:
    arms = {
        name: replace(
            arm,
            latents=np.full_like(arm.latents, np.nan),
            neg_elbo=np.full_like(arm.neg_elbo, np.nan),
            learning_curve=np.full_like(arm.learning_curve, np.nan),
            diverged=(0, 1, 2),
            metrics=None,
            faithfulness=None,
        )
        for name, arm in report.arms.items()
    }
    shown = page(replace(report, arms=MappingProxyType(arms)))
    assert shown.data["figures"]["disparities"] is None
    assert shown.data["figures"]["curves"] is None
    assert "diverged seeds" in shown.text


def test_a_report_without_topology_has_no_place_for_one(report, page) -> None:
    assert "Topology of the data" in page().text
    without = page(replace(report, diagrams=(), features=()))
    assert "Topology of the data" not in without.text
    assert "#diagrams" not in without.links


def test_the_page_says_how_many_rows_it_draws(report, page) -> None:
    assert "rows are drawn" not in page().text
    n_test, rng = 5000, np.random.default_rng(0)
    arms = {
        name: replace(arm, latents=rng.normal(size=(3, n_test, 2)))
        for name, arm in report.arms.items()
    }
    large = replace(report, arms=MappingProxyType(arms), test_rows=np.arange(n_test))
    shown = page(large, columns={"row": np.arange(n_test)})
    assert "2000 of the 5000 rows are drawn" in shown.text
    assert len(shown.panels["rows"]) == len(shown.panels["columns"][0]["index"]) == 2000
    assert (shown.panels["rows"][0], shown.panels["rows"][-1]) == (0, 4999)


def test_a_report_that_was_saved_and_loaded_gives_the_same_page(report, tmp_path) -> None:
    report.save(tmp_path)
    report.to_html(tmp_path / "a.html")
    tp.ComparisonReport.load(tmp_path).to_html(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_text() == (tmp_path / "b.html").read_text()
