"""Links between the pages lead somewhere, headings included."""

import re

import pytest

from tests.contracts.rules import ROOT

PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "protocols/README.md"]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors_of(text):
    """Return what the headings of a page are called in links, as GitHub does."""
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}


def broken_links(page):
    """List the links of a page to files and headings that are not there."""
    text = page.read_text(encoding="utf-8")
    broken = []
    for link in LINK.findall(text):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            broken.append(link)
        elif anchor and anchor not in anchors_of(target.read_text(encoding="utf-8")):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    assert broken_links(page) == []


def test_broken_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Known sets, *again*\n[here](#known-sets-again) [gone](#known-sets)"
        "[file](none.md) [other](page.md#nowhere) [web](https://example.org/#x)\n"
    )
    assert broken_links(page) == ["#known-sets", "none.md", "page.md#nowhere"]
