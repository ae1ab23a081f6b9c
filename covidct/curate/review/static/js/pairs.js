// Two pictures that may be one, side by side; and the panels of one paper by patient.

import { h, button, plural, toast } from "./dom.js";
import { bitmap, get, picture } from "./api.js";
import { Viewer } from "./viewer.js";

const picturePath = (id) => `/picture/panel/${encodeURIComponent(id)}`;
const verdict = (word) => (word ? `${word.value ? "yes" : "no"} (${word.by.replace(/^curator:/, "").replace(/^rule:/, "rule ")})` : "not decided");

export class Pairs {
  constructor(app) {
    Object.assign(this, { app, pairs: [], at: 0, sides: [new Viewer("First picture"), new Viewer("Second picture")] });
    this.facts = h("div", { class: "pair-facts", role: "status" });
    this.stage = h("div", { class: "pair" }, this.sides.map((side) => h("figure", {}, side.node, h("figcaption"))));
    this.tools = h("div", { class: "tools", role: "toolbar", "aria-label": "Duplicates" },
      button("Same picture", "1", () => this.say("duplicate", true), { class: "positive" }),
      button("Different", "2", () => this.say("duplicate", false), { class: "negative" }),
      button("Same patient", "3", () => this.say("same_patient", true)),
      button("Other patient", "4", () => this.say("same_patient", false)),
      button("Swap in place", "b", () => this.blink()),
      button("Undo", "u", () => this.app.undo()),
      button("Previous", "k", () => this.go(-1)),
      button("Next", "j", () => this.go(1)));
    this.node = h("div", { class: "pairs-view" }, this.tools, this.facts, this.stage);
    this.yoke();
  }

  // Both pictures zoom, pan and window together.
  yoke() {
    const [a, b] = this.sides;
    for (const [one, other] of [[a, b], [b, a]]) {
      const draw = one.draw.bind(one);
      one.draw = () => {
        draw();
        if (this.drawing || !other.image) return;
        this.drawing = true;
        const windowed = other.window !== one.window || other.level !== one.level;
        Object.assign(other, { zoom: one.zoom, x: one.x, y: one.y, window: one.window, level: one.level });
        if (windowed) other.applyWindow();
        other.draw();
        this.drawing = false;
      };
    }
  }

  async load() {
    this.pairs = (await get("/api/pairs", this.app.filters())).pairs;
    this.at = Math.min(this.at, Math.max(0, this.pairs.length - 1));
    await this.show();
  }

  async show() {
    const pair = this.pairs[this.at];
    this.stage.hidden = !pair;
    if (!pair) {
      this.facts.replaceChildren(h("p", { class: "empty" }, "No pairs that may be duplicates: run covidct curate dedup."));
      return;
    }
    const left = this.pairs.filter((other) => !other.duplicate || other.duplicate.by.startsWith("rule:")).length;
    this.facts.replaceChildren(
      h("p", {}, h("strong", {}, `Pair ${this.at + 1} of ${this.pairs.length}`), ` · ${left} not decided by a person · likeness ${pair.score.toFixed(3)}`,
        pair.change ? ` · ${pair.change}` : "", this.differ(pair) && h("span", { class: "tag id-yes" }, "labels differ"),
        pair.conflicts.length > 0 && h("span", { class: "tag id-not-scanned" }, "two curators differ: what you decide now settles it")),
      h("p", {}, "Same picture: ", h("b", {}, verdict(pair.duplicate)), " · same patient: ", h("b", {}, verdict(pair.same_patient))));
    const images = await Promise.all(pair.sides.map((side) => bitmap(picturePath(side.panel_id))));
    if (pair !== this.pairs[this.at]) return;
    pair.sides.forEach((side, index) => {
      this.sides[index].reset();
      this.sides[index].show(images[index], `${index ? "Second" : "First"} picture: ${side.panel_id}`);
      this.stage.querySelectorAll("figcaption")[index].replaceChildren(
        h("button", { type: "button", class: "link", onclick: () => this.app.open(side.panel_id) }, side.panel_id),
        ` · ${side.label} · patient ${side.patient || "unknown"}`);
    });
  }

  differ({ sides: [a, b] }) {
    return a.label !== b.label && a.label !== "none" && b.label !== "none";
  }

  blink() {
    const [a, b] = this.sides;
    if (!a.image || !b.image) return;
    const image = a.image;
    a.show(b.image);
    b.show(image);
  }

  say(field, value) {
    const pair = this.pairs[this.at];
    if (!pair) return;
    const words = { duplicate: ["different pictures", "the same picture"], same_patient: ["other patient", "same patient"] };
    this.app.decide([{ entity: "pair", entity_id: pair.id, field, value, resolves: pair.conflicts.includes(field) }], words[field][Number(value)]);
    pair[field] = { value, by: `curator:${this.app.curator()}` };
    this.go(1);
  }

  go(by) {
    this.at = Math.min(this.pairs.length - 1, Math.max(0, this.at + by));
    this.show();
  }

  focus() {
    this.sides[0].canvas.focus();
  }

  key(event) {
    const actions = {
      1: () => this.say("duplicate", true), 2: () => this.say("duplicate", false),
      3: () => this.say("same_patient", true), 4: () => this.say("same_patient", false),
      b: () => this.blink(), j: () => this.go(1), k: () => this.go(-1),
    };
    if (actions[event.key]) actions[event.key]();
    return Boolean(actions[event.key]) || this.sides[0].key(event);
  }
}

export class Patients {
  constructor(app) {
    Object.assign(this, { app, papers: [], at: 0, panels: [], chosen: new Set(), tile: 0 });
    this.pick = h("select", { "aria-label": "Paper", onchange: () => this.open(this.pick.selectedIndex) });
    this.columns = h("div", { class: "patients" });
    this.state = h("output", { class: "tool-state", role: "status" });
    this.name = h("input", { size: 18, maxlength: 200, placeholder: "new patient", "aria-label": "Name for the joined patient", autocomplete: "off" });
    this.tools = h("div", { class: "tools", role: "toolbar", "aria-label": "Patients" }, this.pick,
      button("Join chosen", "m", () => this.join()),
      button("Separate chosen", "s", () => this.separate()),
      h("label", {}, "Patient ", this.name),
      button("Undo", "u", () => this.app.undo()),
      button("Previous paper", "k", () => this.open(this.at - 1)),
      button("Next paper", "j", () => this.open(this.at + 1)), this.state);
    this.node = h("div", { class: "patients-view" }, this.tools, this.columns);
  }

  async load() {
    this.papers = (await get("/api/patients", { ...this.app.filters(), paper: undefined })).papers;
    const titles = new Map(this.app.start.papers.map((paper) => [paper.paper_id, paper.title]));
    this.pick.replaceChildren(...this.papers.map((paper) =>
      h("option", { value: paper.paper_id }, `${titles.get(paper.paper_id) || paper.paper_id} (${plural(paper.panels, "panel")}, ${plural(paper.patients, "patient")}${paper.left ? "" : " ✓"})`)));
    await this.open(this.at);
  }

  async open(at) {
    if (!this.papers.length) return this.columns.replaceChildren(h("p", { class: "empty" }, "No paper has more than one panel."));
    this.at = Math.min(this.papers.length - 1, Math.max(0, at));
    this.pick.selectedIndex = this.at;
    this.chosen.clear();
    this.panels = (await get("/api/patients", { ...this.app.filters(), paper: this.papers[this.at].paper_id })).panels;
    this.draw();
  }

  draw() {
    const groups = new Map();
    for (const panel of this.panels) groups.set(panel.patient, [...(groups.get(panel.patient) || []), panel]);
    this.columns.replaceChildren(...[...groups].map(([patient, panels]) =>
      h("section", { class: "card patient" }, h("h3", { title: patient }, patient ? this.short(patient) : "Patient unknown", h("span", { class: "extra" }, plural(panels.length, "panel"))),
        h("div", { class: "sheet", role: "listbox", "aria-multiselectable": "true", "aria-label": `Panels of ${patient || "an unknown patient"}` },
          panels.map((panel) => this.tileOf(panel))))));
    this.mark();
  }

  // Ids begin with the paper's; what is left tells its patients apart.
  short(patient) {
    const paper = this.papers[this.at].paper_id;
    return patient.startsWith(paper) ? `Patient ${patient.slice(paper.length).replace(/^[-_:/]+/, "") || patient}` : patient;
  }

  tileOf(panel) {
    return h("div", { class: "tile", role: "option", tabindex: "0", "data-id": panel.panel_id,
        "aria-label": `Panel ${panel.letter || "alone"} of ${panel.figure_id}`, onclick: () => this.toggle(panel.panel_id),
        ondblclick: () => this.app.open(panel.panel_id) },
      h("img", { src: picture(`/small/${encodeURIComponent(panel.panel_id)}`), alt: "", loading: "lazy", width: 112, height: 112 }),
      h("span", { class: "tag none" }, panel.figure_id.split(/[-_]/).pop(), " ", panel.letter));
  }

  toggle(id) {
    if (!this.chosen.delete(id)) this.chosen.add(id);
    this.mark();
  }

  mark() {
    for (const tile of this.columns.querySelectorAll(".tile")) tile.setAttribute("aria-selected", String(this.chosen.has(tile.dataset.id)));
    this.state.textContent = `${this.chosen.size} chosen`;
  }

  picked() {
    if (!this.chosen.size) toast("Choose pictures first: click, or tab and space");
    return this.panels.filter((panel) => this.chosen.has(panel.panel_id));
  }

  fresh(taken) {
    const paper = this.papers[this.at].paper_id;
    const used = new Set([...this.panels.map((panel) => panel.patient), ...taken]);
    let number = 1;
    while (used.has(`${paper}-p${number}`)) number += 1;
    return `${paper}-p${number}`;
  }

  join() {
    const panels = this.picked();
    if (!panels.length) return;
    const known = panels.map((panel) => panel.patient).find(Boolean);
    const name = this.name.value.trim() || known || this.fresh([]);
    this.send(panels, panels.map(() => name), `${plural(panels.length, "panel")} joined as ${name}`);
  }

  separate() {
    const panels = this.picked();
    if (!panels.length) return;
    const name = this.name.value.trim() || this.fresh([]);
    this.send(panels, panels.map(() => name), `${plural(panels.length, "panel")} separated as ${name}`);
  }

  send(panels, names, what) {
    this.app.decide(panels.map((panel, index) => ({ entity: "panel", entity_id: panel.panel_id, field: "patient", value: names[index] })), what);
    panels.forEach((panel, index) => { panel.patient = names[index]; });
    this.name.value = "";
    this.chosen.clear();
    this.draw();
  }

  focus() {
    const tile = this.columns.querySelector(".tile");
    if (tile) tile.focus();
  }

  key(event) {
    const tile = event.target.closest && event.target.closest(".tile");
    const actions = { m: () => this.join(), s: () => this.separate(), j: () => this.open(this.at + 1), k: () => this.open(this.at - 1) };
    if (tile) {
      actions[" "] = () => this.toggle(tile.dataset.id);
      actions.Enter = () => this.app.open(tile.dataset.id);
      actions.ArrowRight = () => step(tile, 1);
      actions.ArrowLeft = () => step(tile, -1);
    }
    if (actions[event.key]) actions[event.key]();
    return Boolean(actions[event.key]);
  }
}

function step(tile, by) {
  const tiles = [...document.querySelectorAll(".patients .tile")];
  const next = tiles[tiles.indexOf(tile) + by];
  if (next) next.focus();
}
