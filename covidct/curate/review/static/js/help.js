// The keys, in one place: shown by ?, and read by the page's own test.

import { h, openDialog } from "./dom.js";

export const KEYS = [
  ["Decide", [["1", "positive"], ["2", "negative"], ["3", "unclear"], ["Enter", "agree with the rule"], ["x", "reject this panel"], ["u", "undo"],
    ["t", "kind of picture"], ["h", "no identifying text"], ["H", "identifying text"]]],
  ["Move", [["j", "next"], ["k", "previous"], ["o", "open the paper"], ["q", "queues"], ["f", "filters"]]],
  ["Look", [["+ −", "zoom"], ["0", "fit"], ["arrows", "move the picture"], ["[ ]", "window narrower, wider"], ["w", "window as printed, lung, mediastinal"],
    ["{ }", "level darker, brighter"], ["b", "boxes on, off"], ["i", "masked picture on, off"]]],
  ["Change", [["e", "panel boxes: n next, a add, s S split, m merge, del, arrows move, alt+arrows resize, ⏎ save"],
    ["m", "mask: p paint, e erase, [ ] brush, arrows move, space or shift+arrows paint, i preview, ⏎ save"]]],
  ["Views", [["v", "one by one"], ["c", "contact sheet"], ["d", "duplicates"], ["p", "patients"], ["L", "light or dark"], ["?", "this help"], ["esc", "leave a tool or a field"]]],
];

export function showHelp() {
  openDialog("Keys",
    h("div", { class: "keys" }, KEYS.map(([title, keys]) => h("section", {}, h("h3", {}, title),
      h("dl", {}, keys.map(([key, text]) => [h("dt", {}, key.split(" ").map((part) => h("kbd", {}, part))), h("dd", {}, text)]))))),
    h("p", { class: "note" }, "Mouse: wheel zooms, drag moves, right button or shift and drag changes window and level, double click fits."),
    h("p", { class: "note" }, "Not for clinical use. What you decide is written down with your name, the time, and how long it took."));
}
