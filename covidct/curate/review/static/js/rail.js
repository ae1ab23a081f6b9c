// The rail at the side: queues with their counts, filters, progress, and words whose picture is gone.

import { byId, h, openDialog, plural, toast } from "./dom.js";
import { get } from "./api.js";
import { FIELD_NAMES, kindName, when, who } from "./facts.js";

const STEP_NAMES = { label: "Label", triage: "Kind of picture", mask: "Marks and text", patients: "Patients", split: "Panel boxes" };
const SLOT = "covidct.filters";

export class Rail {
  constructor(app, changed) {
    Object.assign(this, { app, changed, queue: "uncertain" });
    this.form = byId("filters");
    this.values = { step: "label", kind: "ct", label: "", source: "", paper: "" };
    try {
      const kept = JSON.parse(sessionStorage.getItem(SLOT)) || {};
      this.queue = kept.queue || this.queue;
      Object.assign(this.values, kept.values);
    } catch {
      sessionStorage.removeItem(SLOT);
    }
    this.form.addEventListener("change", (event) => this.pick(event));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    byId("clear").addEventListener("click", () => this.clear());
    byId("sure").addEventListener("submit", (event) => {
      event.preventDefault();
      app.acceptSure(event.target.at.value);
    });
  }

  parameters() {
    const filled = Object.entries(this.values).filter(([, value]) => value);
    return { queue: this.queue, ...Object.fromEntries(filled) };
  }

  keep() {
    sessionStorage.setItem(SLOT, JSON.stringify({ queue: this.queue, values: this.values }));
  }

  fill(start) {
    this.start = start;
    this.titles = start.queues;
    this.queueButtons();
    const { choices } = start;
    const any = ["", "any"];
    this.options("step", start.steps.map((step) => [step, STEP_NAMES[step]]));
    this.options("kind", [any, ["ct", "any CT"], ...counted(choices.kind, kindName)]);
    this.options("label", [any, ...counted(choices.label, (label) => (label === "none" ? "no label" : label))]);
    this.options("source", [any, ...counted(choices.source, (source) => source)]);
    byId("papers").replaceChildren(...start.papers.map((paper) => h("option", { value: paper.paper_id, label: paper.title || paper.paper_id })));
    this.form.paper.value = this.values.paper;
  }

  options(name, choices) {
    const select = this.form[name];
    select.replaceChildren(...choices.map(([value, text]) => h("option", { value }, text)));
    select.value = this.values[name];
    if (select.selectedIndex < 0) {
      select.selectedIndex = 0;
      this.values[name] = select.value;
    }
  }

  queueButtons() {
    byId("queues").replaceChildren(...Object.entries(this.titles).map(([name, title]) =>
      h("button", { type: "button", "data-queue": name, "aria-pressed": String(name === this.queue), onclick: () => this.choose(name) },
        h("span", {}, title), h("span", { class: "count" }, "…"))));
    if (this.counts) this.count(this.counts);
  }

  choose(name) {
    this.queue = name;
    for (const entry of byId("queues").children) entry.setAttribute("aria-pressed", String(entry.dataset.queue === name));
    this.keep();
    this.changed();
  }

  pick(event) {
    const field = event.target;
    let value = field.value.trim();
    if (field.name === "paper" && value) {
      const found = this.start.papers.find((paper) => paper.paper_id === value)
        || this.start.papers.find((paper) => `${paper.title} ${paper.paper_id}`.toLowerCase().includes(value.toLowerCase()));
      if (!found) return toast("No paper has that in its title or id");
      value = field.value = found.paper_id;
    }
    this.values[field.name] = value;
    this.keep();
    this.changed();
  }

  clear() {
    this.values = { step: this.values.step, kind: "", label: "", source: "", paper: "" };
    for (const [name, value] of Object.entries(this.values)) this.form[name].value = value;
    this.keep();
    this.changed();
  }

  // Where triage has not run yet there is no CT to ask for; true when the filter was on.
  withoutKind() {
    const ct = Object.keys(this.start.choices.kind).some((kind) => kind.startsWith("ct_") || kind === "compound_with_ct");
    if (ct || !this.values.kind) return false;
    this.values.kind = "";
    this.form.kind.value = "";
    return true;
  }

  count(counts) {
    this.counts = counts;
    for (const entry of byId("queues").children) {
      const number = counts[entry.dataset.queue];
      entry.querySelector(".count").textContent = number.toLocaleString("en");
      entry.classList.toggle("urgent", number > 0 && ["conflicts", "identifying"].includes(entry.dataset.queue));
    }
    byId("sure").hidden = Boolean(this.start && this.start.blind);
    const { reviewed, all } = counts;
    const share = all ? Math.round((100 * reviewed) / all) : 0;
    byId("progress").replaceChildren(
      h("progress", { max: Math.max(1, all), value: reviewed, "aria-label": "Reviewed" }),
      h("p", { class: "note" }, `${reviewed.toLocaleString("en")} of ${plural(all, "panel")} reviewed (${share} %)`));
  }

  // Asked for once the page stands: nobody waits for it.
  async orphans() {
    const { orphans } = await get("/api/orphans");
    const number = orphans.length;
    const section = byId("orphans");
    section.hidden = !number;
    section.replaceChildren(h("h2", {}, "Words without a picture"),
      h("p", { class: "note" }, `${plural(number, "decision")} on pictures that are no longer there.`),
      h("button", { type: "button", onclick: () => this.showOrphans(orphans) }, "Look at them"));
  }

  showOrphans(orphans) {
    openDialog("Words without a picture",
      h("p", {}, "The figure or panel was extracted differently since. Decide its successor anew; these words stay in the journal."),
      h("ul", { class: "history" }, orphans.map((said) => h("li", {}, h("strong", {}, who(said.by)), `: ${FIELD_NAMES[said.field] || said.field} ${said.value} `,
        h("span", { class: "note" }, `${said.entity_id}${said.page ? `, page ${said.page}` : ""} · ${when(said.at)} `),
        said.paper_id && h("button", { type: "button", class: "link", onclick: () => this.onlyPaper(said.paper_id) }, "its paper")))));
  }

  onlyPaper(paperId) {
    byId("dialog").close();
    this.values = { step: this.values.step, kind: "", label: "", source: "", paper: paperId };
    for (const [name, value] of Object.entries(this.values)) this.form[name].value = value;
    this.choose("all");
  }

  focusQueue() {
    byId("queues").querySelector("[aria-pressed=true]").focus();
  }

  focusFilter() {
    this.form.step.focus();
  }
}

const counted = (choices, name) => Object.entries(choices).map(([value, number]) => [value, `${name(value)} (${number.toLocaleString("en")})`]);
