"""The curator's loop in a real browser: agree, read blind, finish a queue, accept what is sure, no axe findings."""

from pathlib import Path

import axe
import pytest
from curating import Visit, press, saved, shown, words
from playwright.sync_api import expect
from serving import READY, SETTLED, Live, serving
from until import until

from covidct.curate import agreement
from covidct.curate.review.items import whole_words
from covidct.records import Decision


def test_enter_agrees_with_the_rule(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    before = live.workspace.panel(shown(page))
    panel = press(page, "Enter")
    saved(page)
    (word,) = words(live.workspace)
    assert (word.entity_id, word.field, word.value) == (panel, "label", before.label)


def test_enter_takes_what_a_refused_judgement_suggests(live: Live, visit: Visit) -> None:
    panel = live.workspace.panels()[0].panel_id
    evidence = {"rule": "named", "suggested": "negative", "refused": "no way that precise"}
    live.workspace.decide([Decision("panel", panel, "label", "unclear", "rule:label@1", "refused", 0.1, evidence)])
    page = visit(live.url)
    page.evaluate("id => history.replaceState(null, '', location.href)", panel)
    while shown(page) != panel:
        press(page, "j")
    press(page, "Enter")
    saved(page)
    assert [(d.entity_id, d.value) for d in words(live.workspace)] == [(panel, "negative")]


def test_the_last_panel_of_a_queue_is_followed_by_a_summary(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    where = page.locator(".where strong")
    before = where.inner_text()
    page.locator("select[name=label]").select_option("unclear")
    expect(where).not_to_have_text(before)
    number = int(where.inner_text().split(" of ")[1])
    for _ in range(number - 1):
        press(page, "Enter")
    page.keyboard.press("1")
    summary = page.locator("#dialog .summary")
    expect(summary).to_contain_text(f"{number} panel")
    expect(summary).to_contain_text("Changed against the rules")
    expect(summary.locator("dd").nth(1)).to_have_text("1")
    expect(summary).to_contain_text("covidct manifest build")


def test_a_stale_tab_says_that_somebody_decided_meanwhile(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    page.route("**/api/news*", lambda route: route.abort())
    panel = shown(page)
    live.workspace.decide([Decision("panel", panel, "label", "negative", "curator:kim")])
    press(page, "1")
    expect(page.locator("#toasts")).to_contain_text("Decided meanwhile by kim")
    assert {d.by for d in words(live.workspace) if d.entity_id == panel} == {"curator:kim", "curator:dana"}


def test_sure_rules_are_accepted_at_once_and_taken_back_at_once(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    before = {panel.panel_id: panel.label for panel in live.workspace.panels()}
    page.locator("#sure input").fill("0.5")
    page.locator("#sure button").click()
    page.locator("#dialog button", has_text="Yes").click()
    saved(page)
    until(lambda: words(live.workspace))
    accepted = words(live.workspace)
    assert accepted and all(d.value == before[d.entity_id] and d.value in ("positive", "negative") for d in accepted)
    page.locator("#stage").focus()
    page.keyboard.press("u")
    until(lambda: not agreement.standing(words(live.workspace)))


def test_pairs_and_patients_show_ct_only_by_default(live: Live, visit: Visit) -> None:
    pair = live.workspace.pairs()[0]
    page = visit(live.url)
    page.keyboard.press("d")
    expect(page.locator(".pair-facts")).to_contain_text(f"of {len(live.workspace.pairs())}")
    live.workspace.decide([Decision("panel", pair.a, "kind", "chart_or_diagram", "curator:dana")])
    page.keyboard.press("v")
    page.keyboard.press("d")
    left = len([p for p in live.workspace.pairs() if pair.a not in (p.a, p.b)])
    expect(page.locator(".pair-facts")).to_contain_text(f"of {left}" if left else "No pairs")


def test_a_blind_reader_sees_nobody_elses_label(folder: Path, visit: Visit) -> None:
    with serving(folder, blind=True, curator="second") as live:
        first = live.workspace.panels()[0].panel_id
        live.workspace.decide([Decision("panel", first, "label", "negative", "curator:kim", "seen by kim")])
        page = visit(live.url)
        page.locator("[data-queue=mine]").click()
        expect(page.locator(".where .tag")).to_have_text("no label")
        assert "kim" not in page.locator(".facts").inner_text()
        assert page.locator(".facts mark.by-label").count() == 0
        expect(page.locator("[data-tool=agree]")).to_be_disabled()
        assert shown(page) == first
        press(page, "1")
        saved(page)
        mine = words(live.workspace, by="curator:second")
        assert [d.evidence.get("blind") for d in mine] == [True]
        page.keyboard.press("c")
        page.wait_for_selector(".tile")
        assert set(page.locator(".tile .tag").all_inner_texts()) == {"no label"}
        assert page.locator(f".tile[data-id='{first}']").count() == 0


def test_kappa_on_independent_readings_leaves_out_what_was_read_with_the_other_in_sight() -> None:
    def word(number: int, item: str, by: str, value: str, blind: bool = False) -> Decision:
        evidence = {"blind": True} if blind else {}
        return Decision("panel", item, "label", value, f"curator:{by}", evidence=evidence, decision_id=number)

    said = [
        word(1, "p1", "kim", "positive"),
        word(2, "p1", "lee", "positive"),
        word(3, "p2", "kim", "positive"),
        word(4, "p2", "lee", "negative", blind=True),
    ]
    (everything,) = agreement.all_pairs(said)
    (alone,) = agreement.all_pairs(agreement.independent(said))
    assert (everything.n, alone.n) == (2, 1)
    assert alone.confusion == {("positive", "negative"): 1}


@pytest.mark.parametrize(
    ("span", "shown"), [((3, 6), "confirmed"), ((0, 9), "confirmed"), ((10, 15), "COVID"), ((9, 10), " ")]
)
def test_evidence_is_marked_by_whole_words(span: tuple[int, int], shown: str) -> None:
    text = "confirmed COVID-19"
    start, end = whole_words(text, span)
    assert text[start:end] == shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(live: Live, visit: Visit, scheme: str) -> None:
    page = visit(live.url, color_scheme=scheme, bypass_csp=True)
    axe.load(page)
    found = []
    for key, wait_for in {
        "v": ".facts .card",
        "e": ".figure.editing",
        "m": ".tools[aria-label=Mask]",
        "c": ".tile img",
        "d": ".pair-facts p",
        "p": ".patient .tile",
        "?": "dialog[open]",
    }.items():
        page.keyboard.press(key)
        page.wait_for_selector(wait_for)
        page.evaluate(SETTLED)
        found += [
            f"{key}: {v['id']}: {v['nodes'][0]['html'][:150]} ({v['nodes'][0].get('failureSummary', '')[:200]})"
            for v in axe.violations(page)
        ]
        if key in "em":
            page.keyboard.press("Escape")
    assert not found, "\n".join(found)


def test_windows_on_a_key_with_a_reading(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    expect(page.locator(READY)).to_be_attached()
    for reading in ("lung (W 140 L 70)", "mediastinal (W 120 L 180)"):
        page.keyboard.press("w")
        expect(page.locator(".reading").first).to_contain_text(reading)
    page.keyboard.press("w")
    expect(page.locator(".reading").first).not_to_contain_text("W ")
