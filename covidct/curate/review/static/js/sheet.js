// The contact sheet: many small pictures, to spot the odd one out; what is chosen is decided at once.

import { h, button, confirmed, plural, toast } from "./dom.js";
import { get, picture } from "./api.js";
import { kindName } from "./facts.js";

const LABELS = { positive: "1", negative: "2", unclear: "3" };

export class Sheet {
  // `app` offers filters(), decide(decisions), undo(), open(panelId)
  constructor(app) {
    Object.assign(this, { app, page: 0, rows: [], total: 0, chosen: new Set(), at: 0, since: false });
    this.grid = h("div", { class: "sheet", role: "listbox", "aria-multiselectable": "true", "aria-label": "Panels", tabindex: "-1" });
    this.state = h("output", { class: "tool-state", role: "status" });
    this.changed = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggleSince() }, "Changed since yesterday");
    this.tools = h("div", { class: "tools", role: "toolbar", "aria-label": "Contact sheet" },
      this.changed,
      button("Choose all", "a", () => this.chooseAll()),
      button("None", "Escape", () => this.chooseNone()),
      button("Positive", "1", () => this.label("positive"), { class: "positive" }),
      button("Negative", "2", () => this.label("negative"), { class: "negative" }),
      button("Unclear", "3", () => this.label("unclear"), { class: "unclear" }),
      button("Reject", "x", () => this.reject(), { class: "reject" }),
      button("Undo", "u", () => this.app.undo()),
      button("Page back", "ArrowLeft", () => this.turn(-1), { "aria-keyshortcuts": "Shift+ArrowLeft" }),
      button("Next page", "ArrowRight", () => this.turn(1), { "aria-keyshortcuts": "Shift+ArrowRight" }),
      this.state);
    this.node = h("div", { class: "sheet-view" }, this.tools, this.grid);
  }

  async load() {
    const filters = { ...this.app.filters(), page: this.page };
    if (this.since) Object.assign(filters, { since: this.app.start.yesterday, queue: "all" });
    const answer = await get("/api/sheet", filters);
    Object.assign(this, { rows: answer.rows, total: answer.total, size: answer.size });
    if (!this.rows.length && this.page) {
      this.page = 0;
      return this.load();
    }
    this.chosen = new Set([...this.chosen].filter((id) => this.rows.some((row) => row.panel_id === id)));
    this.at = Math.min(this.at, Math.max(0, this.rows.length - 1));
    this.draw();
  }

  draw() {
    this.grid.replaceChildren(...(this.rows.length ? this.rows.map((row, index) => this.tile(row, index)) : [
      h("p", { class: "empty" }, "Nothing under these filters.")]));
    this.mark();
  }

  tile(row, index) {
    const label = row.label === "none" ? "no label" : row.label;
    return h("div", { class: "tile", role: "option", tabindex: index === this.at ? "0" : "-1", "data-id": row.panel_id,
        "aria-label": `${label}, ${kindName(row.kind)}, panel ${row.letter || "alone"} of ${row.paper_id}`,
        onclick: (event) => this.click(index, event), ondblclick: () => this.app.open(row.panel_id), onfocus: () => { this.at = index; } },
      h("img", { src: picture(`/small/${encodeURIComponent(row.panel_id)}`), alt: "", loading: "lazy", decoding: "async", width: 112, height: 112 }),
      h("span", { class: `tag ${row.label}` }, label, row.reviewed && " ✓", row.conflict && " ≠"));
  }

  mark() {
    [...this.grid.querySelectorAll(".tile")].forEach((tile, index) => {
      tile.setAttribute("aria-selected", String(this.chosen.has(tile.dataset.id)));
      tile.tabIndex = index === this.at ? 0 : -1;
    });
    const first = this.total ? this.page * this.size + 1 : 0;
    this.state.textContent = `${first} to ${first + this.rows.length - (this.total ? 1 : 0)} of ${this.total.toLocaleString("en")} · ${this.chosen.size} chosen`;
  }

  click(index, event) {
    const id = this.rows[index].panel_id;
    if (event.shiftKey) {
      const [from, to] = [Math.min(this.at, index), Math.max(this.at, index)];
      for (let i = from; i <= to; i++) this.chosen.add(this.rows[i].panel_id);
    } else if (this.chosen.has(id)) this.chosen.delete(id);
    else this.chosen.add(id);
    this.at = index;
    this.mark();
  }

  chooseAll() {
    this.rows.forEach((row) => this.chosen.add(row.panel_id));
    this.mark();
  }

  chooseNone() {
    this.chosen.clear();
    this.mark();
  }

  toggleSince() {
    this.since = !this.since;
    this.page = 0;
    this.changed.setAttribute("aria-pressed", String(this.since));
    this.load();
  }

  turn(by) {
    const last = Math.max(0, Math.ceil(this.total / this.size) - 1);
    const page = Math.min(last, Math.max(0, this.page + by));
    if (page === this.page) return;
    this.page = page;
    this.at = 0;
    this.load();
  }

  picked() {
    if (!this.chosen.size) toast("Choose pictures first: click, or arrows and space");
    return [...this.chosen];
  }

  async label(value) {
    await this.send(this.picked().flatMap((id) => this.app.labelling(id, value, this.row(id))), value);
  }

  async reject() {
    await this.send(this.picked().map((id) => ({ entity: "panel", entity_id: id, field: "accept", value: false })), "rejected");
  }

  row(id) {
    return this.rows.find((row) => row.panel_id === id) || {};
  }

  // More than a handful at once is asked about: a slip of the finger should not relabel a page.
  async send(decisions, what) {
    if (!decisions.length) return;
    const count = this.chosen.size;
    if (count > 20 && !(await confirmed(`Decide ${what} for ${plural(count, "panel")}?`))) return;
    this.app.decide(decisions, `${plural(count, "panel")}: ${what}`);
    this.chosen.clear();
    this.mark();
  }

  focus() {
    const tile = this.grid.querySelectorAll(".tile")[this.at];
    if (tile) tile.focus();
  }

  move(by) {
    this.at = Math.min(this.rows.length - 1, Math.max(0, this.at + by));
    this.mark();
    this.focus();
  }

  columns() {
    return getComputedStyle(this.grid).gridTemplateColumns.split(" ").length;
  }

  key(event) {
    if (event.shiftKey && event.key.startsWith("Arrow")) {
      const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (turn) this.turn(turn);
      return true;
    }
    const id = this.rows[this.at] && this.rows[this.at].panel_id;
    const actions = {
      ArrowLeft: () => this.move(-1), ArrowRight: () => this.move(1),
      ArrowUp: () => this.move(-this.columns()), ArrowDown: () => this.move(this.columns()),
      j: () => this.move(1), k: () => this.move(-1),
      " ": () => id && this.click(this.at, {}), a: () => this.chooseAll(), Escape: () => this.chooseNone(),
      x: () => this.reject(), Enter: () => id && this.app.open(id),
    };
    for (const [value, key] of Object.entries(LABELS)) actions[key] = () => this.label(value);
    if (event.key === "Enter" && event.target.closest("button")) return false;
    if (event.key === " " && event.target.closest("button")) return false;
    if (actions[event.key]) actions[event.key]();
    return Boolean(actions[event.key]);
  }
}
