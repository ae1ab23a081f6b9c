"""The review page in a real browser: what a curator does with the keyboard, and what must survive."""

from collections.abc import Callable
from pathlib import Path

import pytest
import review_corpus
from curating import Visit, press, saved, shown, words
from playwright.sync_api import expect
from serving import READY, Live, Spawned
from until import until

from covidct.records import Decision
from covidct.workspace.workspace import Workspace


def test_no_key_decides_before_the_picture_is_there(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    first, held = shown(page), []
    for address in ("**/api/panel/*", "**/picture/panel/*"):
        page.route(address, lambda route: held.append(route))
    for _ in range(6):  # past everything that was fetched ahead
        page.keyboard.press("j")
    page.keyboard.press("1")
    page.keyboard.press("1")
    until(lambda: held, pause=lambda: page.wait_for_timeout(20))
    page.wait_for_timeout(300)
    assert not words(live.workspace)
    page.unroute_all()  # lets go of what was held
    page.wait_for_function("was => document.documentElement.dataset.panel !== was", arg=first)
    saved(page)
    assert not words(live.workspace)


def test_twenty_items_by_keyboard_are_twenty_decisions(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    keys = {"1": ("label", "positive"), "2": ("label", "negative"), "3": ("label", "unclear"), "x": ("accept", False)}
    said = [(press(page, key), *keys[key]) for key in ("1232x" * 4)]
    saved(page)
    found = [(d.entity_id, d.field, d.value) for d in words(live.workspace)]
    assert found == said
    assert all(d.by == "curator:dana" and d.at and 0 < d.seconds < 60 for d in words(live.workspace))
    assert live.workspace.panel(said[0][0]).label == "positive"
    assert all(d.anchor is not None and d.anchor.pixel_hash for d in words(live.workspace))


def test_j_and_k_move_and_decide_nothing(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    first = press(page, "j")
    second = press(page, "j")
    assert press(page, "k") not in (first, second)
    assert shown(page) == second
    assert not words(live.workspace)


def test_undo_adds_a_decision_and_brings_the_item_back(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    before = live.workspace.panel(shown(page)).label
    panel = press(page, "1")
    saved(page)
    assert live.workspace.panel(panel).label == "positive"
    page.keyboard.press("u")
    page.wait_for_function("id => document.documentElement.dataset.panel === id", arg=panel)
    saved(page)
    said, undone = words(live.workspace)
    assert undone.undoes == said.decision_id
    assert live.workspace.panel(panel).label == before


def test_what_is_still_on_its_way_is_shown_as_decided(live: Live, visit: Visit) -> None:
    page, held = visit(live.url), []
    page.route("**/api/act", lambda route: held.append(route))
    panel = press(page, "x")
    press(page, "k")
    expect(page.locator(".decide.reject")).to_have_attribute("aria-pressed", "true")
    press(page, "2")  # must take the panel back, though the rejection is not written yet
    assert not words(live.workspace)
    assert held
    page.unroute_all()  # lets go of what was held
    saved(page)
    current = live.workspace.current("panel", panel)
    assert (current["accept"].value, current["label"].value) == (True, "negative")


def test_a_slow_answer_still_brings_the_kind_up_to_date(live: Live, visit: Visit) -> None:
    page, held = visit(live.url), []
    page.route("**/api/act", lambda route: held.append(route))
    for key in ("t", "ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".more select")).to_have_value("xray")
    until(lambda: held, pause=lambda: page.wait_for_timeout(20))
    page.unroute_all()  # lets go of what was held
    saved(page)
    expect(page.locator(".facts")).to_contain_text("dana: Kind X-ray")


def test_a_label_after_a_rejection_takes_the_panel_back(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    panel = press(page, "x")
    press(page, "k")
    expect(page.locator(".decide.reject")).to_have_attribute("aria-pressed", "true")
    press(page, "2")
    saved(page)
    current = live.workspace.current("panel", panel)
    assert (current["accept"].value, current["label"].value) == (True, "negative")


def test_redrawn_box_gives_a_new_crop(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    panel = live.workspace.panel(shown(page))
    pixels = live.workspace.pixel_hash(panel.file)
    page.keyboard.press("e")
    editor = page.locator(".figure.editing")
    handle = editor.locator(".panel-box.current .handle.se").first
    expect(page.locator(".tools input")).to_have_value(panel.panel_label)  # the shown panel's own box is chosen
    spot = handle.bounding_box()
    assert spot is not None
    page.mouse.move(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    page.mouse.down()
    page.mouse.move(spot["x"] - 40, spot["y"] - 30, steps=4)
    page.mouse.up()
    page.keyboard.press("Enter")
    saved(page)
    expect(page.locator(".reading")).not_to_contain_text(f"{panel.width} × {panel.height}")
    now = live.workspace.panel(panel.panel_id)
    assert now.sha256 != panel.sha256
    assert (now.width, now.height) < (panel.width, panel.height)
    expect(page.locator(".reading")).to_contain_text(f"{now.width} × {now.height}")
    (word,) = words(live.workspace, "panels")
    assert len(word.value) == 4
    page.keyboard.press("u")
    expect(page.locator(".reading")).to_contain_text(f"{panel.width} × {panel.height}")
    assert live.workspace.pixel_hash(live.workspace.panel(panel.panel_id).file) == pixels


def test_boxes_split_merge_delete_and_draw_by_keyboard(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    figure = live.workspace.panel(shown(page)).figure_id
    page.keyboard.press("e")
    state = page.locator(".tools .tool-state")
    for key, count in (("s", 5), ("S", 6), ("m", 5), ("Delete", 4), ("a", 5), ("u", 4), ("a", 5)):
        page.keyboard.press(key)
        expect(state).to_contain_text(f"{count} boxes")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Enter")
    saved(page)
    (word,) = words(live.workspace, "panels")
    assert [list(p.box) for p in live.workspace.panels(figure)] == [item["box"] for item in word.value]
    assert len(word.value) == 5


def test_painted_mask_is_previewed_and_kept(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    panel = live.workspace.panel(shown(page))
    page.keyboard.press("m")
    expect(page.locator(".tools[aria-label=Mask]")).to_be_visible()
    for key in ("]", "]", " ", "Shift+ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    page.keyboard.press("i")
    expect(page.locator("[data-tool=preview]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    expect(page.locator("[data-tool=masked]")).to_have_attribute("aria-pressed", "true")
    (word,) = words(live.workspace, "mask")
    value = word.value
    assert live.workspace.path(value["mask"]).is_file()
    assert {box["kind"] for box in value["boxes"]} == {"text", "marker"}
    assert value["identifying"] in ("yes", "no")
    assert live.workspace.stored(panel.sha256, ".png") is not None


def test_two_browsers_conflict_and_settle(live: Live, visit: Visit) -> None:
    dana, kim = visit(live.url), visit(live.url + "&curator=kim")
    assert shown(dana) == shown(kim)
    panel = press(dana, "1")
    saved(dana)
    press(kim, "2")
    saved(kim)
    assert [(d.by, d.value) for d in words(live.workspace)] == [
        ("curator:dana", "positive"),
        ("curator:kim", "negative"),
    ]
    assert [(found[0], found[1]) for found in live.workspace.conflicts()] == [("panel", panel)]
    dana.locator("[data-queue=conflicts]").click()
    notice = dana.locator(".conflict")
    expect(notice).to_contain_text("dana says positive")
    expect(notice).to_contain_text("kim says negative")
    expect(dana.locator("[data-queue=conflicts] .count")).to_have_text("1")
    dana.keyboard.press("2")
    expect(dana.locator("[data-queue=conflicts] .count")).to_have_text("0")
    assert not live.workspace.conflicts()
    assert live.workspace.panel(panel).label == "negative"


def test_another_curators_word_shows_up_while_looking(live: Live, visit: Visit) -> None:
    dana, kim = visit(live.url), visit(live.url + "&curator=kim")
    press(kim, "2")
    expect(dana.locator(".history")).to_contain_text("kim")
    expect(dana.locator("#toasts")).to_contain_text("kim has just decided")


def test_sigkill_between_key_presses_loses_nothing(
    folder: Path, workspace: Workspace, spawn: Callable[..., Spawned], visit: Visit
) -> None:
    first = spawn(folder, "--port", "0", "--curator", "dana")
    page = visit(first.url)
    said = [press(page, "1"), press(page, "2")]
    saved(page)
    assert [d.entity_id for d in words(workspace)] == said
    page.wait_for_load_state("networkidle")  # the next panel is there too: without a server none can come
    first.kill()
    said.append(press(page, "3"))
    expect(page.locator("#gone")).to_contain_text("1 decision kept in this browser")
    expect(page.locator("#saved")).to_contain_text("1 decision not yet saved")
    second = spawn(folder, "--port", "0", "--curator", "dana")
    assert second.url == first.url
    saved(page)
    expect(page.locator("#gone")).to_be_hidden()
    said.append(press(page, "1"))
    saved(page)
    assert [d.entity_id for d in words(workspace)] == said
    assert second.stop() == 0


def test_word_that_the_server_wrote_but_never_confirmed_is_written_once(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    cut = []

    def lose_first_answer(route: object) -> None:
        if cut:
            route.continue_()  # type: ignore[attr-defined]
            return
        cut.append(route.fetch().status)  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    page.route("**/api/act", lose_first_answer)
    panel = press(page, "1")
    saved(page)
    assert cut == [200]
    assert [d.entity_id for d in words(live.workspace)] == [panel]


def test_unsent_words_survive_closing_the_page(
    folder: Path, workspace: Workspace, spawn: Callable[..., Spawned], visit: Visit
) -> None:
    first = spawn(folder, "--port", "0", "--curator", "dana")
    page = visit(first.url)
    page.wait_for_load_state("networkidle")  # the next panel is there too: without a server none can come
    first.kill()
    panel = press(page, "2")
    expect(page.locator("#gone")).to_be_visible()
    context = page.context
    page.close()
    second = spawn(folder, "--port", "0", "--curator", "dana")
    again = context.new_page()
    again.goto(second.url)
    again.wait_for_selector(READY)
    saved(again)
    assert [d.entity_id for d in words(workspace)] == [panel]


def test_hostile_caption_stays_text(tmp_path: Path, serve: Callable[[Path], Live], visit: Visit) -> None:
    review_corpus.build(tmp_path / "ws", papers=1, xss=True).close()
    page = visit(serve(tmp_path / "ws").url)
    expect(page.locator(".facts")).to_contain_text(review_corpus.XSS)
    assert page.title().startswith("Review")
    assert page.locator("main img").count() == 0 and page.locator("main script").count() == 0
    for view in "cpdv":
        page.keyboard.press(view)
        page.wait_for_timeout(200)
    assert page.title().startswith("Review")


def test_contact_sheet_bulk_and_undo(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    page.keyboard.press("c")
    tiles = page.locator(".tile")
    expect(tiles.first).to_be_focused()
    for key in (" ", "ArrowRight", " ", "ArrowRight", " "):
        page.keyboard.press(key)
    chosen = [str(tile.get_attribute("data-id")) for tile in page.locator(".tile[aria-selected=true]").all()]
    assert len(chosen) == 3
    before = {panel: live.workspace.panel(panel).label for panel in chosen}
    page.keyboard.press("1")
    saved(page)
    assert {d.entity_id for d in words(live.workspace)} == set(chosen)
    assert all(live.workspace.panel(panel).label == "positive" for panel in chosen)
    page.keyboard.press("u")
    saved(page)
    expect(page.locator("#toasts")).to_contain_text("Undone")
    page.wait_for_function("() => !JSON.parse(sessionStorage.getItem('covidct.undo')).length")
    assert {panel: live.workspace.panel(panel).label for panel in chosen} == before
    page.get_by_role("button", name="Changed since yesterday").click()
    expect(page.locator(".sheet-view .tool-state")).to_contain_text("of 40")


def test_bulk_of_a_page_is_asked_about(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    page.keyboard.press("c")
    expect(page.locator(".tile")).to_have_count(40)
    page.keyboard.press("a")
    page.keyboard.press("x")
    page.get_by_role("button", name="Close").click()
    assert not words(live.workspace)
    page.keyboard.press("x")
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.locator("[data-queue=reviewed] .count")).to_have_text("40")
    assert len(words(live.workspace, "accept")) == 40


def test_pairs_side_by_side(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    page.keyboard.press("d")
    expect(page.locator(".pair-facts")).to_contain_text("Pair 1 of 2")
    page.keyboard.press("1")
    expect(page.locator(".pair-facts")).to_contain_text("Pair 2 of 2")
    page.keyboard.press("4")
    saved(page)
    first, second = words(live.workspace)
    assert (first.field, first.value, second.field, second.value) == ("duplicate", True, "same_patient", False)
    assert {first.entity, second.entity} == {"pair"}


def test_pairs_on_which_curators_differ_are_settled(live: Live, visit: Visit) -> None:
    pair = live.workspace.pairs()[1].pair_id
    for who, value in (("kim", False), ("lee", True)):
        live.workspace.decide([Decision("pair", pair, "duplicate", value, f"curator:{who}")])
    page = visit(live.url)
    page.keyboard.press("d")
    expect(page.locator(".pair-facts")).to_contain_text("two curators differ")
    page.keyboard.press("1")
    saved(page)
    assert not live.workspace.conflicts()
    assert live.workspace.current("pair", pair)["duplicate"].by == "curator:dana"


def test_kind_by_keyboard_is_one_decision(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    panel = shown(page)
    for key in ("t", "ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    saved(page)
    page.keyboard.press("t")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.locator(".more select")).to_have_value("xray")
    assert [(d.entity_id, d.field, d.value) for d in words(live.workspace)] == [(panel, "kind", "xray")]


def test_patients_joined_and_separated(live: Live, visit: Visit) -> None:
    page = visit(live.url)
    page.keyboard.press("p")
    expect(page.locator(".patient")).to_have_count(4)
    page.locator(".patient .tile").nth(0).click()
    page.locator(".patient .tile").nth(2).click()
    page.keyboard.press("m")
    expect(page.locator(".patient")).to_have_count(4)
    saved(page)
    joined = words(live.workspace, "patient")
    assert len({d.value for d in joined}) == 1 and len(joined) == 2
    page.locator(".patient .tile").nth(0).click()
    page.keyboard.press("s")
    expect(page.locator(".patient")).to_have_count(5)
    saved(page)
    assert live.workspace.panel(words(live.workspace, "patient")[-1].entity_id).patient_id.endswith("-p5")


@pytest.mark.parametrize(
    ("queue", "count"), [("uncertain", 40), ("unreviewed", 40), ("identifying", 4), ("reviewed", 0), ("all", 40)]
)
def test_queue_counts(live: Live, queue: str, count: int) -> None:
    from covidct.curate.review.queues import Index, counts

    assert counts(Index(live.workspace).rows().values(), "label", {})[queue] == count
