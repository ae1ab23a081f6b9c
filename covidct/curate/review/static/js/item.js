// One panel at a time: the picture large, everything known beside it, and the keys that decide.

import { h, button, openDialog, plural, toast } from "./dom.js";
import { bitmap, blob, flush, get, isGone, unsentAbout } from "./api.js";
import { BoxEditor, figureView } from "./boxes.js";
import { conflictNotice, facts, kindName } from "./facts.js";
import { MaskTool, maskInForce } from "./mask.js";
import { Viewer } from "./viewer.js";

const AHEAD = 3;
const KEPT = 24;
const path = (id) => encodeURIComponent(id);
const duration = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);

// What was decided on this panel and is still on its way is shown as decided.
function withUnsent(item) {
  const panel = { ...item.panel };
  for (const { field, value } of unsentAbout(panel.panel_id)) {
    if (field === "accept") panel.rejected = !value;
    else if (field === "label" || field === "kind") panel[field] = value;
  }
  return { ...item, panel };
}

export class ItemView {
  constructor(app) {
    Object.assign(this, { app, ids: [], at: 0, total: 0, cache: new Map(), figures: new Map(), boxes: true, masked: false, tool: null });
    this.session = { decided: 0, changed: 0, seconds: 0 };
    this.viewer = new Viewer("The panel");
    this.head = h("div", { class: "item-head" });
    this.notice = h("div", {});
    this.spoken = h("p", { class: "sr", role: "status" });
    this.toolSlot = h("div", { class: "tool-slot" });
    this.viewer.node.append(h("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
      button("−", "", () => this.viewer.zoomBy(0.8), { "aria-label": "Zoom out", title: "Zoom out (-)" }),
      button("+", "", () => this.viewer.zoomBy(1.25), { "aria-label": "Zoom in", title: "Zoom in (+)" }),
      button("Fit", "0", () => this.viewer.fit()),
      button("Window", "w", () => this.viewer.nextPreset())));
    this.area = h("div", { class: "area" }, this.viewer.node);
    this.bar = this.decisionBar();
    this.side = h("aside", { class: "facts", "aria-label": "What is known", tabindex: "0" });
    document.addEventListener("visibilitychange", () => this.pause());
    this.node = h("div", { class: "item-view" },
      h("section", { class: "work", "aria-label": "Picture" }, this.spoken, this.head, this.notice, this.toolSlot, this.area, this.bar), this.side);
  }

  decisionBar() {
    const choice = (value, key, text) => button(text, key, () => this.label(value), { class: `decide ${value}`, "data-label": value });
    this.kind = h("select", { "aria-label": "Kind of picture", "aria-keyshortcuts": "t", title: "With the keyboard: arrows choose, Enter sets" });
    this.listenKind();
    this.identity = h("span", { class: "identity" });
    return h("div", { class: "bar-bottom" },
      h("div", { class: "decisions", role: "group", "aria-label": "Decide" },
        choice("positive", "1", "Positive"), choice("negative", "2", "Negative"), choice("unclear", "3", "Unclear"),
        button("Agree", "Enter", () => this.agree(), { class: "quiet", "data-tool": "agree" }),
        button("Reject", "x", () => this.reject(), { class: "decide reject", "data-label": "rejected" })),
      h("div", { class: "more" },
        this.kind, this.identity,
        button("Boxes", "e", () => this.editBoxes()), button("Mask", "m", () => this.editMask()),
        button("Masked", "i", () => this.toggleMasked(), { "data-tool": "masked", "aria-pressed": "false" })));
  }

  async loadQueue() {
    const asked = this.app.filters();
    if (this.wanted) asked.at = this.wanted;
    const answer = await get("/api/queue", asked);
    this.ids = answer.ids;
    this.total = answer.total;
    this.app.last = Math.max(this.app.last, answer.last);
    this.app.rail.count(answer.counts);
    const found = this.wanted ? this.ids.indexOf(this.wanted) : 0;
    this.at = Math.max(0, found);
    this.wanted = "";
    if (answer.first) this.cache.set(answer.first.panel.panel_id, this.withPictures(answer.first));
    this.leaveTool();
    await this.show();
  }

  // -- fetching ahead --

  fetch(id) {
    if (!this.cache.has(id)) {
      const coming = get(`/api/panel/${path(id)}`, { by: this.app.curator() }).then((item) => this.withPictures(item));
      coming.catch(() => this.cache.delete(id));
      this.cache.set(id, coming);
      this.trim();
    }
    return this.cache.get(id);
  }

  async withPictures(item) {
    const { panel, figure } = item;
    const [image, figureUrl] = await Promise.all([
      panel.picture ? bitmap(`/picture/panel/${path(panel.panel_id)}`) : null,
      figure.file ? this.figureUrl(figure) : null,
    ]);
    return { item, image, figureUrl };
  }

  // The same figure serves all its panels; a forgotten one frees its memory.
  figureUrl(figure) {
    const known = this.figures.get(figure.figure_id);
    if (known && known.file === figure.file) return known.url;
    const url = blob(`/picture/figure/${path(figure.figure_id)}`).then((data) => URL.createObjectURL(data));
    this.figures.set(figure.figure_id, { file: figure.file, url });
    url.catch(() => this.figures.delete(figure.figure_id));
    return url;
  }

  trim() {
    const shown = this.ids[this.at];
    for (const id of this.cache.keys()) if (this.cache.size > KEPT && id !== shown) this.cache.delete(id);
    const wanted = this.item && this.item.figure.figure_id;
    for (const [id, entry] of this.figures) {
      if (this.figures.size <= KEPT || id === wanted) continue;
      this.figures.delete(id);
      entry.url.then((url) => setTimeout(() => URL.revokeObjectURL(url), 5000), () => {});
    }
  }

  // Written down: what was fetched before is old, also for the panel on the screen.
  written(ids, decided) {
    for (const id of ids) this.cache.delete(id);
    if (decided && ids.includes(this.ids[this.at]) && !this.tool && this.app.view === this) this.show();
  }

  forget() {
    this.cache.clear();
  }

  ahead() {
    for (let step = 1; step <= AHEAD; step++) {
      const id = this.ids[this.at + step];
      if (id) this.fetch(id).catch(() => {});
    }
  }

  // -- showing --

  async show() {
    const id = this.ids[this.at];
    this.shownAt = performance.now();
    this.hiddenFor = 0;
    if (!id) return this.showNothing();
    // Until the next picture is there no key decides anything: nobody judges what is not on the screen.
    const before = this.item;
    if (before && before.panel.panel_id !== id) this.item = null;
    let found;
    const coming = this.fetch(id);
    const overtaken = () => id !== this.ids[this.at] || (this.cache.has(id) && this.cache.get(id) !== coming);
    try {
      found = await coming;
    } catch (error) {
      if (!overtaken()) this.showTrouble(error);
      return;
    }
    if (overtaken()) return;
    this.node.classList.remove("nothing");
    const again = before && before.panel.panel_id === id && before.panel.file === found.item.panel.file;
    this.item = withUnsent(found.item);
    this.figureUrlNow = found.figureUrl;
    this.masked = false;
    if (!again) this.viewer.reset();
    if (found.image) this.viewer.show(found.image, this.describe());
    else this.viewer.clear();
    this.draw();
    this.ahead();
    document.documentElement.dataset.panel = id;
  }

  showTrouble(error) {
    this.item = null;
    this.viewer.clear();
    this.notice.replaceChildren();
    this.side.replaceChildren();
    const why = error.status === 404 ? "This panel is no longer there: j goes on."
      : isGone() ? "This panel cannot be shown until the server answers." : "This panel's picture cannot be read: j goes on.";
    this.head.replaceChildren(h("p", { class: "empty", role: "alert" }, why));
  }

  showNothing() {
    this.item = null;
    this.node.classList.add("nothing");
    delete document.documentElement.dataset.panel;
    const why = this.app.start && !this.app.start.total
      ? ["There are no panels yet: run ", h("code", {}, "covidct curate auto"), " first."]
      : "Nothing left in this queue under these filters. Choose another queue (q) or widen the filters (f).";
    this.head.replaceChildren(h("p", { class: "empty" }, why));
    this.side.replaceChildren();
    this.notice.replaceChildren();
  }

  describe() {
    const { panel, figure } = this.item;
    return `Panel ${panel.panel_label || ""} of ${figure.label || "a figure"}, ${kindName(panel.kind)}, label ${panel.label || "none"}`;
  }

  draw() {
    const { panel, figure, paper } = this.item;
    const state = panel.rejected ? "rejected" : panel.label || "none";
    this.spoken.textContent = `${this.at + 1} of ${this.total}. ${this.describe()}${this.item.conflicts.length ? ". Conflict" : ""}`;
    this.head.replaceChildren(
      button("Back", "k", () => this.go(-1), { class: "quiet" }),
      h("p", { class: "where" }, h("strong", {}, `${(this.at + 1).toLocaleString("en")} of ${this.total.toLocaleString("en")}`), " ",
        h("span", { class: `tag ${state}` }, state === "none" ? "no label" : state), " ",
        h("span", { class: "note" }, `${figure.label || "Figure"}${panel.panel_label ? ` ${panel.panel_label}` : ""} · ${paper.title || paper.paper_id}`)),
      button("Undo", "u", () => this.app.undo(), { class: "quiet" }),
      button("Next", "j", () => this.go(1), { class: "quiet" }));
    const notice = conflictNotice(this.item);
    this.notice.replaceChildren(...(notice ? [notice] : []));
    for (const choice of this.bar.querySelectorAll(".decide")) choice.setAttribute("aria-pressed", String(choice.dataset.label === state));
    this.drawKind(panel);
    this.drawIdentity(panel);
    this.bar.querySelector("[data-tool=agree]").disabled = Boolean(this.app.start && this.app.start.blind);
    this.bar.querySelector("[data-tool=masked]").disabled = !panel.masked;
    this.bar.querySelector("[data-tool=masked]").setAttribute("aria-pressed", String(this.masked));
    const picture = this.figureUrlNow
      ? figureView(figure, this.figureUrlNow, panel.panel_id, (chosen) => this.goTo(chosen.panel_id), this.boxes)
      : h("p", { class: "note" }, "Only the text of this figure is known.");
    const scroll = this.side.scrollTop;
    this.side.replaceChildren(...facts(this.item, picture));
    this.side.scrollTop = this.lastShown === panel.panel_id ? scroll : 0;
    this.lastShown = panel.panel_id;
  }

  drawKind(panel) {
    const kinds = this.app.start ? this.app.start.kinds : [panel.kind];
    const all = panel.kind ? kinds : ["", ...kinds];
    if (this.kind.children.length !== all.length) this.kind.replaceChildren(...all.map((kind) => h("option", { value: kind }, kindName(kind))));
    this.kind.value = panel.kind;
  }

  drawIdentity(panel) {
    const names = { yes: "May identify a person", no: "No identifying text", "not-scanned": "Not scanned for text", "": "Text not looked for" };
    const state = panel.identifying;
    this.identity.replaceChildren(
      h("span", { class: `tag id-${state || "none"}` }, names[state]),
      button("Harmless", "h", () => this.identifying("no"), { class: "quiet" }),
      button("Identifies", "H", () => this.identifying("yes"), { class: "quiet" }));
  }

  go(by) {
    const to = this.at + by;
    if (to < 0) return toast("This is the first one");
    if (to >= this.ids.length) {
      if (this.item) this.summary();
      this.at = 0;
      return this.loadQueue();
    }
    this.leaveTool();
    this.at = to;
    return this.show();
  }

  goTo(id) {
    const found = this.ids.indexOf(id);
    if (found >= 0) this.at = found;
    else this.ids.splice(this.at, 0, id);
    this.leaveTool();
    return this.show();
  }

  // After the last panel: what was done in this sitting, what still waits, and the command that comes next.
  async summary() {
    const { decided, changed, seconds } = this.session;
    await flush();
    const { counts } = await get("/api/queue", this.app.filters());
    const left = counts[this.app.start.blind ? "mine" : "uncertain"];
    const waits = [`${plural(left, "panel")} not judged under these filters`];
    if (counts.conflicts) waits.push(plural(counts.conflicts, "conflict"));
    if (counts.identifying) waits.push(`${plural(counts.identifying, "panel")} with possible identifying text`);
    openDialog("That was the last one of this queue",
      h("dl", { class: "summary" },
        h("dt", {}, "Decided"), h("dd", {}, `${plural(decided, "panel")} in ${duration(seconds)}`),
        h("dt", {}, "Changed against the rules"), h("dd", {}, String(changed)),
        h("dt", {}, "Still waits"), h("dd", {}, waits.join(", ")),
        h("dt", {}, "Next"), h("dd", {}, h("code", {}, "covidct manifest build -w WORKSPACE --name NAME --version 1.0.0"))));
  }

  again() {
    const id = this.ids[this.at];
    if (id) this.cache.delete(id);
    return this.show();
  }

  // Somebody else decided: what is shown follows, and says so.
  heard(decisions) {
    for (const said of decisions) this.cache.delete(said.id);
    const mine = this.item && decisions.filter((said) => [this.item.panel.panel_id, this.item.figure.figure_id].includes(said.id));
    if (!mine || !mine.length || this.tool) return;
    toast(`${mine[0].by.replace(/^curator:/, "").replace(/^rule:/, "Rule ")} has just decided on this panel`);
    this.again();
  }

  // -- deciding --

  // Time with the page out of sight is not time spent on the picture.
  pause() {
    if (document.hidden) this.hiddenSince = performance.now();
    else if (this.hiddenSince) {
      this.hiddenFor += performance.now() - Math.max(this.hiddenSince, this.shownAt);
      this.hiddenSince = 0;
    }
  }

  seconds() {
    return Math.max(0, (performance.now() - this.shownAt - this.hiddenFor) / 1000);
  }

  decide(decisions, text, stay = false) {
    this.app.decide(decisions, text, this.seconds(), this.item.last);
    if (stay) return this.show();
    this.cache.delete(this.item.panel.panel_id);
    return this.go(1);
  }

  // What the rules propose for this panel: their label, or what they suggest where they refused to decide.
  proposed() {
    const { current, panel } = this.item;
    const suggested = current.label && current.label.suggested;
    return suggested || panel.label;
  }

  agree() {
    if (!this.item) return undefined;
    const value = this.proposed();
    if (this.app.start.blind || !["positive", "negative", "unclear"].includes(value)) return toast("No rule proposes a label here: decide with 1, 2 or 3");
    return this.label(value);
  }

  judged(value) {
    this.session.decided += 1;
    this.session.seconds += this.seconds();
    if (!this.app.start.blind && value !== this.proposed()) this.session.changed += 1;
  }

  label(value) {
    if (!this.item) return;
    this.judged(value);
    const { panel } = this.item;
    const conflict = this.item.conflicts.some((found) => found.field === "label");
    this.decide(this.app.labelling(panel.panel_id, value, { rejected: panel.rejected, conflict }), value);
  }

  reject() {
    if (!this.item) return;
    this.judged("rejected");
    const resolves = this.item.conflicts.some((found) => found.field === "accept");
    this.decide([{ entity: "panel", entity_id: this.item.panel.panel_id, field: "accept", value: false, resolves }], "rejected");
  }

  // A browser reports a change for every arrow key; only Enter, or the mouse, means it.
  listenKind() {
    let keyed = false;
    this.kind.addEventListener("keydown", (event) => {
      keyed = !["Enter", "Tab"].includes(event.key);
      if (event.key === "Enter") {
        event.preventDefault();
        this.setKind();
      }
    });
    this.kind.addEventListener("pointerdown", () => { keyed = false; });
    this.kind.addEventListener("change", () => !keyed && this.setKind());
    this.kind.addEventListener("blur", () => { if (this.item) this.kind.value = this.item.panel.kind; });
  }

  setKind() {
    const value = this.kind.value;
    this.viewer.canvas.focus();
    if (!this.item || !value || value === this.item.panel.kind) return;
    const resolves = this.item.conflicts.some((found) => found.field === "kind");
    this.decide([{ entity: "panel", entity_id: this.item.panel.panel_id, field: "kind", value, resolves }], kindName(value), true);
  }

  identifying(value) {
    if (!this.item) return;
    const text = value === "no" ? "no identifying text" : "identifying text";
    const resolves = this.item.conflicts.some((found) => found.field === "mask");
    this.decide([{ entity: "panel", entity_id: this.item.panel.panel_id, field: "identifying", value, resolves }], text, true);
  }

  // -- tools --

  editBoxes() {
    if (!this.item || !this.figureUrlNow) return;
    this.leaveTool();
    const { figure, conflicts } = this.item;
    const editor = new BoxEditor(figure, this.figureUrlNow, this.item.panel.panel_id, (boxes) => {
      this.leaveTool();
      if (boxes) this.saveBoxes(figure, boxes, conflicts.some((found) => found.field === "panels"));
    });
    this.tool = editor;
    this.toolSlot.replaceChildren(editor.tools);
    this.area.replaceChildren(editor.node);
    this.node.classList.add("tooling");
    editor.canvas.focus();
  }

  async saveBoxes(figure, boxes, resolves) {
    const here = this.item.panel.panel_id;
    const old = new Set(figure.panels.map((panel) => panel.panel_id));
    const { answer } = this.app.send({ do: "boxes", figure_id: figure.figure_id, boxes, resolves, seconds: this.seconds() }, "boxes redrawn", here);
    await answer;
    await this.renew(figure.figure_id, old, here);
  }

  // The figure's panels have changed: the queue takes the new ones in the old ones' place.
  async renew(figureId, old, here) {
    const { ids } = await get("/api/queue", { queue: "all", figure: figureId });
    const spot = this.ids.findIndex((id) => old.has(id));
    const rest = this.ids.filter((id) => !old.has(id) && !ids.includes(id));
    rest.splice(Math.max(0, spot), 0, ...ids);
    this.total += rest.length - this.ids.length;
    this.ids = rest;
    this.at = Math.max(0, this.ids.indexOf(ids.includes(here) ? here : ids[0]));
    this.cache.clear();
    await this.show();
  }

  async editMask() {
    if (!this.item || !this.item.panel.picture) return;
    this.leaveTool();
    const { panel } = this.item;
    const existing = await maskInForce(panel);
    if (!this.item || panel !== this.item.panel) return;
    if (this.masked) await this.toggleMasked();
    this.tool = new MaskTool(this.viewer, panel, existing, (mask) => {
      this.tool = null;
      this.leaveTool();
      if (mask) this.saveMask(panel, mask);
    });
    this.toolSlot.replaceChildren(this.tool.node);
    this.node.classList.add("tooling");
  }

  async saveMask(panel, mask) {
    const { answer } = this.app.send({ do: "mask", panel_id: panel.panel_id, mask, seconds: this.seconds() }, "mask painted", panel.panel_id);
    await answer;
    if (!this.item || this.item.panel.panel_id !== panel.panel_id) return;
    await this.again();
    await this.toggleMasked();
  }

  async toggleMasked() {
    if (!this.item) return;
    const { panel } = this.item;
    if (!panel.masked) return toast("No mask has been made for this panel");
    const found = await this.fetch(panel.panel_id);
    const image = this.masked ? found.image : await bitmap(`/picture/panel/${path(panel.panel_id)}?as=masked`);
    if (!this.item || panel.panel_id !== this.item.panel.panel_id) return;
    this.masked = !this.masked;
    this.viewer.show(image, this.describe());
    this.bar.querySelector("[data-tool=masked]").setAttribute("aria-pressed", String(this.masked));
  }

  leaveTool() {
    if (this.tool instanceof MaskTool) {
      const tool = this.tool;
      this.tool = null;
      tool.close(null);
    }
    this.tool = null;
    this.toolSlot.replaceChildren();
    this.area.replaceChildren(this.viewer.node);
    this.node.classList.remove("tooling");
  }

  key(event) {
    if (this.tool) return this.tool.key(event) || ["x", "1", "2", "3", "j", "k"].includes(event.key);
    if (event.altKey) return false;
    const actions = {
      1: () => this.label("positive"), 2: () => this.label("negative"), 3: () => this.label("unclear"), x: () => this.reject(),
      Enter: () => this.agree(), w: () => this.viewer.nextPreset(),
      j: () => this.go(1), k: () => this.go(-1), t: () => this.kind.focus(), h: () => this.identifying("no"), H: () => this.identifying("yes"),
      o: () => { const link = this.side.querySelector(".title a"); if (link) link.click(); },
      e: () => this.editBoxes(), m: () => this.editMask(), i: () => this.item && this.toggleMasked(),
      b: () => { this.boxes = !this.boxes; if (this.item) this.draw(); },
    };
    if (actions[event.key]) {
      actions[event.key]();
      return true;
    }
    // The facts beside the picture scroll with the arrows when they have the focus.
    if (event.target === this.side && event.key.startsWith("Arrow")) return false;
    return this.viewer.key(event);
  }
}
