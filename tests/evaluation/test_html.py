"""The page: complete, standalone, and safe whatever the names are."""

import base64
import re
from html.parser import HTMLParser

import pytest

from skexpand.evaluation.displays import GainDisplay
from skexpand.evaluation.report import Report
from skexpand.evaluation.sample_displays import SampleSheetDisplay
from tests.evaluation.simulated_rows import simulate

EVIL = "<script>alert('$x_1$')</script> & \"co\""
VOID = {"meta", "br", "path", "use", "image", "link", "rect"}


class Page(HTMLParser):
    """Tags, attributes and text; complains where tags do not nest."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "new" / "report.html"
    rows, header = simulate(
        {"none": 0, EVIL: 0.05, "ROS": 0.0}, classifiers=("logistic", "<i>k</i>")
    )
    assert Report(rows, header).to_html(path) == path
    return path.read_text(encoding="utf-8")


def test_page_loads_nothing(source):
    assert "http" not in source
    assert "@import" not in source
    assert "url(" not in re.sub(r"url\(#\w+\)", "", source)
    page = Page(source)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("#", "data:image/png;base64,")), value
        assert not name.startswith("on"), name


def test_names_are_text_and_never_markup(source):
    page = Page(source)
    assert page.text.count(EVIL) > 4
    assert "i" not in page.tags


def test_page_holds_its_parts_in_order(source):
    text = Page(source).text
    places = [
        text.index(part)
        for part in (
            "Augment with",
            "worth 2.",
            "Scores and gains",
            "Gains, draw by draw",
            "worth in real ones",
            "Quality of the synthetic rows",
            "Calibration",
            "Protocol",
            "Provenance",
            "Limits",
        )
    ]
    assert places == sorted(places)


def test_page_says_under_what_the_numbers_were_measured(source):
    text = Page(source).text
    for fact in ("n_draws 5", "commit abc1234", "device cpu", "python 3.12", "pppp"):
        assert fact in text, fact


def test_figures_keep_their_text_and_follow_the_page_colors(source):
    figure = source[source.index("<svg") : source.index("</svg>")]
    assert "gain over no augmentation" in figure
    assert "currentColor" in figure
    assert "var(--quiet)" in figure
    assert "#1f2329" not in figure
    assert "prefers-color-scheme: dark" in source


def test_ids_of_figures_are_unique(source):
    found = re.findall(r'\bid="([^"]+)"', source)
    assert len(found) > 5
    assert len(found) == len(set(found))


def test_every_reference_inside_the_page_has_its_target(source):
    wanted = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', source)
    targets = set(re.findall(r'\bid="([^"]+)"', source))
    assert wanted
    assert {a or b for a, b in wanted} <= targets


def test_same_report_gives_the_same_page(tmp_path):
    rows, header = simulate(classifiers=("SVM",))
    pages = [
        Report(rows, header).to_html(tmp_path / name).read_bytes() for name in "ab"
    ]
    assert pages[0] == pages[1]


def test_own_pictures_are_embedded(tmp_path):
    X = [[[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]
    sheet = SampleSheetDisplay.from_samples(X, [0, 1], X, [0, 1])
    report = Report(*simulate(classifiers=("SVM",), multiples=()))
    path = report.to_html(tmp_path / "r.html", displays={"Digits & co": sheet})
    source = path.read_text()
    assert "<h2>Digits &amp; co</h2>" in source
    (picture,) = re.findall(r"data:image/png;base64,([^\"]+)", source)
    header = base64.b64decode(picture)[:24]
    assert header.startswith(b"\x89PNG")
    # Three blocks of one 0.55 inch image each; 72 dots an inch would be blurred.
    assert int.from_bytes(header[16:20]) > 3 * 0.55 * 150


def test_several_data_sets_come_with_ranks_and_tests(tmp_path):
    names = [f"set {i}" for i in range(6)]
    rows, header = simulate(datasets=names, classifiers=("SVM",), multiples=())
    path = Report(rows, header).to_html(tmp_path / "r.html", title="Six sets")
    text = Page(path.read_text()).text
    assert text.startswith("Six sets")
    assert "critical difference" in text
    assert "p, Holm" in text
    assert "6 data sets" in text


@pytest.mark.parametrize(
    ("datasets", "sizes", "n_folded"),
    [(("a",), (1, 2, 3, 4, 5, 6), 0), ("abcdef", (1,), 6)],
)
def test_only_verdicts_of_single_data_sets_are_folded(
    tmp_path, datasets, sizes, n_folded
):
    """Six sizes of one data set are six answers; six data sets have one in common."""
    rows, header = simulate(
        datasets=datasets, sizes=sizes, classifiers=("SVM",), multiples=(), n_draws=3
    )
    source = Report(rows, header).to_html(tmp_path / "r.html").read_text()
    head = source[source.index("<main>") : source.index("<h2>")]
    folded = head.partition("<details>")[2]
    assert head.count('<section class="verdict') - folded.count("<section") == (
        len(sizes) if len(datasets) == 1 else 1
    )
    assert folded.count("<section") == n_folded


@pytest.mark.parametrize("broken", ["no reference", "one draw", "nothing measured"])
def test_incomplete_results_give_a_page_that_says_so(tmp_path, broken):
    rows, header = simulate(classifiers=("SVM",), n_draws=1 if "one" in broken else 3)
    words = {"no reference": "no arm named none", "one draw": "no interval can be"}
    if broken == "no reference":
        rows = [row for row in rows if row["sampler"] != "none"]
    report = Report(rows, header)
    if broken == "nothing measured":
        with pytest.raises(ValueError, match="no score"):
            Report([], header).to_html(tmp_path / "r.html")
        assert not (tmp_path / "r.html").exists()
        return
    text = Page(report.to_html(tmp_path / "r.html").read_text()).text
    assert words[broken] in text


def test_notebook_fragment_is_the_printed_report_and_escapes_names():
    report = Report(*simulate({"none": 0, EVIL: 0.05}))
    page = Page(report._repr_html_())
    assert EVIL in page.text
    assert "script" not in page.tags
    assert report.verdict().sentence in page.text


def test_missing_extra_names_itself(tmp_path, monkeypatch):
    import sys

    report = Report(*simulate(classifiers=("SVM",)))
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r'pip install "skexpand\[eval\]"'):
        report.to_html(tmp_path / "r.html")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "skexpand\[plot\]"'):
        GainDisplay.from_results(report)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "skexpand\[eval\]"'):
        report.to_frame()
