"""Can everybody use the page: contrast, keyboard only, 200 % zoom, light and dark; and the pictures of it in docs/."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from serving import SETTLED, Live

Visit = Callable[..., Page]

SHOTS = Path(__file__).resolve().parents[2] / "docs" / "img"
REWRITE = "REVIEW_SCREENSHOTS"
"""Set this variable to have the tests write docs/img anew; otherwise they write to their scratch folder."""

CONTRAST = """() => {
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const parse = (text) => { const n = text.match(/[0-9.]+/g).map(Number); return n.length === 3 ? [...n, 1] : n; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const back = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    const over = (under, top) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
    return layers.reverse().reduce(over, [255, 255, 255]);
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const words = walker.currentNode.textContent.trim();
    if (!words || !node.checkVisibility() || node.closest('svg, :disabled, datalist, noscript')) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parse(style.color)), light(back(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const need = large ? 3 : 4.5;
    if (ratio < need) bad.push(`${ratio.toFixed(2)} ${node.tagName}.${node.className} ${words.slice(0, 40)}`);
  }
  return bad;
}"""

NAMELESS = """() => [...document.querySelectorAll('button, input, select, [role=button], [tabindex="0"]')]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.textContent.trim() || node.getAttribute('aria-label') || node.labels?.length || node.title))
  .map((node) => node.outerHTML.slice(0, 120))"""


def shoot(page: Page, name: str, tmp_path: Path) -> None:
    """A picture of the page, without what changes from run to run (ids stay, moving notices go)."""
    page.evaluate("() => document.getElementById('toasts').replaceChildren()")
    folder = SHOTS if os.environ.get(REWRITE) else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / name, animations="disabled", caret="hide")
    picture = Image.open(folder / name).convert("RGB")
    few = picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(folder / name, optimize=True)
    assert (folder / name).stat().st_size > 10_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_names_and_pictures(live: Live, visit: Visit, scheme: str, tmp_path: Path) -> None:
    page = visit(live.url, color_scheme=scheme)
    problems: list[str] = []
    for key, name, wait_for in (
        ("v", "item", ".facts .card"),
        ("e", "boxes", ".figure.editing"),
        ("m", "mask", ".tools[aria-label=Mask]"),
        ("c", "sheet", ".tile img"),
        ("d", "pairs", ".pair-facts p"),
        ("p", "patients", ".patient .tile"),
        ("?", "help", "dialog[open]"),
    ):
        page.keyboard.press(key)
        page.wait_for_selector(wait_for)
        page.evaluate(SETTLED)
        problems += [f"{name}: {found}" for found in page.evaluate(CONTRAST) + page.evaluate(NAMELESS)]
        if (scheme, name) in SHOWN:
            arrange(page, name)
            shoot(page, f"review-{name}{'-dark' if scheme == 'dark' else ''}.png", tmp_path)
        if name in ("boxes", "mask"):
            page.keyboard.press("Escape")
    assert not problems


SHOWN = {
    ("light", "item"),
    ("light", "boxes"),
    ("light", "sheet"),
    ("dark", "item"),
    ("dark", "pairs"),
    ("light", "mask"),
}


def arrange(page: Page, name: str) -> None:
    """What a reader of the documentation should see on the picture."""
    if name == "mask":
        page.keyboard.press("]")
        for key in (" ", "Shift+ArrowLeft", "Shift+ArrowLeft"):
            page.keyboard.press(key)
    if name == "pairs":
        page.keyboard.press("j")
        page.wait_for_timeout(300)
    if name == "sheet":
        for key in (" ", "ArrowRight", " "):
            page.keyboard.press(key)
    page.wait_for_timeout(150)


def test_conflict_is_not_shown_by_colour_alone(live: Live, visit: Visit, tmp_path: Path) -> None:
    from covidct.records import Decision

    panel = live.workspace.panels()[1].panel_id
    for who, value in (("kim", "negative"), ("dana", "positive")):
        live.workspace.decide([Decision("panel", panel, "label", value, f"curator:{who}", seconds=4.0)])
    page = visit(live.url)
    page.locator("[data-queue=conflicts]").click()
    expect(page.locator(".conflict")).to_contain_text("Two curators differ")
    assert not page.evaluate(CONTRAST)


def test_at_200_percent_nothing_is_cut_off(live: Live, visit: Visit) -> None:
    """1280 x 800 at 200 % is a viewport of 640 x 400 CSS pixels."""
    page = visit(live.url, viewport={"width": 640, "height": 400}, device_scale_factor=2)
    for key in "vcdp":
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth + 1"), key
    page.keyboard.press("v")
    for name in ("Positive", "Negative", "Unclear", "Reject"):
        choice = page.locator(".decide", has_text=name)
        choice.scroll_into_view_if_needed()
        expect(choice).to_be_in_viewport()
    before = page.evaluate("document.documentElement.dataset.panel")
    page.locator(".decide.positive").click()
    page.wait_for_function("was => document.documentElement.dataset.panel !== was", arg=before)


def test_every_control_is_reached_with_tab(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    wanted = set(page.evaluate("() => [...document.querySelectorAll('main button')].map((b) => b.textContent)"))
    focused = "() => [document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]"
    reached: dict[str, str] = {}
    while not wanted <= reached.keys() and len(reached) < 90:
        page.keyboard.press("Tab")
        name, outline = page.evaluate(focused)
        reached[name] = outline
    assert all(reached[name] != "none" for name in wanted)


def test_keys_do_not_decide_while_typing(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    page.locator("#curator").fill("kim 123x")
    page.locator("#curator").press("1")
    assert not live.workspace.decisions(by="curator:")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.locator("#saved")).to_have_text("All saved")
    assert [d.by for d in live.workspace.decisions(by="curator:")] == ["curator:kim 123x1"]


def test_zoom_pan_window_and_level(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    reading = page.locator(".reading")
    first = reading.text_content()
    page.keyboard.press("+")
    expect(reading).not_to_have_text(str(first))
    for key in ("]", "[", "[", "{"):
        page.keyboard.press(key)
    expect(reading).to_contain_text("W 240 L 120")
    page.keyboard.press("0")
    expect(reading).to_have_text(str(first))
    spot = page.locator("canvas.picture").bounding_box()
    assert spot is not None
    page.mouse.move(spot["x"] + 200, spot["y"] + 200)
    page.mouse.wheel(0, -300)
    expect(reading).not_to_have_text(str(first))


def test_theme_is_remembered(live: Live, visit: Visit) -> None:
    page = visit(live.url, color_scheme="light")
    back = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(back)
    page.keyboard.press("Shift+L")
    assert page.evaluate(back) != light
    page.reload()
    assert page.evaluate(back) != light


def test_help_names_every_key(live: Live, visit: Visit) -> None:
    """Each shortcut that a control announces is in the help."""
    page = visit(live.url)
    announced = set(
        page.evaluate("() => [...document.querySelectorAll('[aria-keyshortcuts]')].map((n) => n.ariaKeyShortcuts)")
    )
    page.keyboard.press("?")
    shown = set(page.locator("dialog kbd").all_text_contents())
    assert announced - {"Escape"} <= shown, announced - shown
