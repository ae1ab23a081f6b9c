// The page: which view is open, what the keys do, and how a decision leaves.

import { byId, confirmed, h, openDialog, plural, toast, typing } from "./dom.js";
import { flush, get, isGone, on, say, unsent } from "./api.js";
import { ItemView } from "./item.js";
import { Sheet } from "./sheet.js";
import { Pairs, Patients } from "./pairs.js";
import { showHelp } from "./help.js";
import { Rail } from "./rail.js";

const POLL = 3000;
const UNDO_SLOT = "covidct.undo";
const stored = (name, fallback) => localStorage.getItem(`covidct.${name}`) ?? fallback;

class App {
  constructor() {
    this.name = byId("curator");
    const given = new URLSearchParams(location.search).get("curator");
    this.name.value = given || stored("curator", "") || document.documentElement.dataset.curator;
    this.name.addEventListener("change", () => this.rename());
    this.last = 0;
    this.undone = JSON.parse(sessionStorage.getItem(UNDO_SLOT) || "[]");
    this.theme(stored("theme", ""));
    this.rail = new Rail(this, () => this.reload());
    this.views = { item: new ItemView(this), sheet: new Sheet(this), pairs: new Pairs(this), patients: new Patients(this) };
    this.view = this.views.item;
    byId("stage").replaceChildren(this.view.node);
    this.listen();
  }

  curator() {
    return this.name.value.trim();
  }

  rename() {
    if (!this.curator()) this.name.value = document.documentElement.dataset.curator;
    localStorage.setItem("covidct.curator", this.curator());
    toast(`Decisions are now ${this.curator()}'s`);
  }

  theme(wanted) {
    if (wanted) document.documentElement.dataset.theme = wanted;
    localStorage.setItem("covidct.theme", wanted);
  }

  switchTheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const now = document.documentElement.dataset.theme || dark;
    this.theme(now === "dark" ? "light" : "dark");
  }

  async begin() {
    flush();
    const starting = get("/api/start").then((start) => {
      this.start = start;
      this.rail.fill(start);
      return start;
    });
    await Promise.all([starting, this.views.item.loadQueue()]);
    if (!this.views.item.ids.length && this.rail.withoutKind()) await this.reload();
    setInterval(() => this.news(), POLL);
    performance.mark("covidct-ready");
    document.documentElement.dataset.ready = "yes";
    await this.rail.orphans();
  }

  filters() {
    return { ...this.rail.parameters(), by: this.curator() };
  }

  // Decide as the rules did wherever they are this sure and nobody has judged; one key takes all of it back.
  async acceptSure(least) {
    const { panels } = await get("/api/sure", { ...this.filters(), at: least });
    if (!panels.length) return toast(`No unjudged panel under these filters has a rule that sure (${least})`);
    const what = `${plural(panels.length, "panel")} as the rules labelled them`;
    if (!(await confirmed(`Accept ${what}?`))) return undefined;
    const decisions = panels.flatMap(({ panel_id, label }) => this.labelling(panel_id, label, {}));
    await this.send({ do: "decide", decisions, seconds: 0 }, `Accepted ${what}`, "").answer;
    return this.reload();
  }

  async reload() {
    await (this.view === this.views.item ? this.view.loadQueue() : this.view.load());
  }

  async open(panelId) {
    this.views.item.wanted = panelId;
    this.show("item");
    await this.views.item.goTo(panelId);
  }

  show(name) {
    const view = this.views[name];
    for (const tab of document.querySelectorAll("[data-view]")) tab.setAttribute("aria-pressed", String(tab.dataset.view === name));
    if (view === this.view) return;
    this.views.item.leaveTool();
    this.view = view;
    byId("stage").replaceChildren(view.node);
    document.documentElement.dataset.shown = name;
    if (view.load) Promise.resolve(view.load()).then(() => view.focus && view.focus());
    else view.show();
  }

  // What "1" means for one panel: the label, and that it is wanted after all where it was rejected.
  labelling(panelId, value, { rejected, label, conflict }) {
    const decision = { entity: "panel", entity_id: panelId, field: "label", value, resolves: Boolean(conflict) };
    const back = rejected || label === "rejected";
    return back ? [decision, { entity: "panel", entity_id: panelId, field: "accept", value: true }] : [decision];
  }

  decide(decisions, text, seconds = 0, seen = undefined) {
    const at = decisions[0].entity === "panel" ? decisions[0].entity_id : "";
    return this.send({ do: "decide", decisions, seconds, seen }, text, at);
  }

  // Sends any action and remembers it for undo; `at` is the panel to come back to.
  send(body, text, at) {
    const word = say({ ...body, curator: this.curator() });
    this.undone.push({ key: word.key, curator: this.curator(), text, at });
    this.keepUndo();
    toast(isGone() ? `${text}: kept, not yet saved` : text,
      { node: h("button", { type: "button", onclick: () => this.undo() }, "Undo ", h("kbd", { "aria-hidden": "true" }, "u")) });
    return word;
  }

  keepUndo() {
    this.undone = this.undone.slice(-200);
    sessionStorage.setItem(UNDO_SLOT, JSON.stringify(this.undone));
  }

  async undo() {
    const word = this.undone.pop();
    if (!word) return toast("Nothing to undo in this window");
    this.keepUndo();
    const { answer } = say({ do: "undo", of: word.key, curator: word.curator, seconds: 0 });
    toast(`Undone: ${word.text}`);
    if (word.at && this.view === this.views.item) this.views.item.goTo(word.at);
    await answer;
    this.views.item.forget();
    if (this.view === this.views.item) await this.view.again();
    else await this.view.load();
  }

  async news() {
    if (document.hidden && !unsent()) return;
    let news;
    try {
      news = await get("/api/news", { ...this.filters(), after: this.last });
    } catch {
      return;
    }
    if (unsent()) flush();
    if (!news.counts) return;
    this.last = news.last;
    this.rail.count(news.counts);
    this.views.item.heard(news.decisions.filter((said) => said.by !== `curator:${this.curator()}`));
  }

  listen() {
    for (const tab of document.querySelectorAll("[data-view]")) tab.addEventListener("click", () => this.show(tab.dataset.view));
    byId("help").addEventListener("click", showHelp);
    byId("theme").addEventListener("click", () => this.switchTheme());
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("visibilitychange", () => !document.hidden && this.news());
    on("back", () => { flush(); this.views.item.again(); });
    on("saved", (answer, word) => this.saved(answer, word));
    on("refused", (why) => openDialog("That was not written down", h("p", {}, why)));
  }

  saved(answer, word) {
    this.views.item.written(answer.ids, word.do === "decide");
    if (answer.meanwhile && answer.meanwhile.length) {
      const names = answer.meanwhile.map((by) => by.replace(/^curator:/, "")).join(", ");
      toast(`Decided meanwhile by ${names}: both words are kept, see the queue of conflicts`);
    }
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.news(), 150);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || byId("dialog").open || event.isComposing) return;
    if (typing(event.target)) {
      const leaves = event.key === "Escape" || (event.key === "Enter" && event.target.tagName === "INPUT");
      if (leaves) event.target.blur();
      return;
    }
    if (["Enter", " "].includes(event.key) && event.target.closest("button, summary, a, .panel-box")) return;
    if (this.view.key(event) || this.globalKey(event)) event.preventDefault();
  }

  globalKey(event) {
    const actions = {
      v: () => this.show("item"), c: () => this.show("sheet"), d: () => this.show("pairs"), p: () => this.show("patients"),
      u: () => this.undo(), "?": showHelp, L: () => this.switchTheme(), q: () => this.rail.focusQueue(), f: () => this.rail.focusFilter(),
    };
    if (actions[event.key]) actions[event.key]();
    return Boolean(actions[event.key]);
  }
}

const app = new App();
app.begin().catch((error) => {
  if (!isGone()) openDialog("The page could not be built", h("p", {}, String(error.message || error)));
});
window.addEventListener("storage", () => { byId("saved").textContent = unsent() ? `${plural(unsent(), "decision")} not yet saved` : "All saved"; });
