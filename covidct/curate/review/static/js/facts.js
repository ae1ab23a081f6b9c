// What is known about the picture on the screen: figure, caption with evidence, mentions, paper, rules, history.

import { blob } from "./api.js";
import { h, away, plural } from "./dom.js";

export const FIELD_NAMES = {
  label: "Label", kind: "Kind", mask: "Mask", patient: "Patient", accept: "Accepted", sub_caption: "Sub-caption", panels: "Boxes",
};
const TEXT_NAMES = { sub_caption: "Text of this panel", caption: "Caption" };
const KIND_NAMES = {
  ct_axial_lung: "CT, axial, lung", ct_other: "CT, other", compound_with_ct: "Compound with CT", xray: "X-ray", pet: "PET",
  chart_or_diagram: "Chart or diagram", microscopy: "Microscopy", photo: "Photo", logo: "Logo", other: "Other", none: "Not looked at",
};

export const kindName = (kind) => KIND_NAMES[kind] || kind || KIND_NAMES.none;
export const who = (by) => by.replace(/^curator:/, "").replace(/^rule:/, "rule ");

export function when(at) {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : time.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

// Text with its evidence marked and the panel's own part set off; places count code points, as the rules do.
export function marked(text, spans, own) {
  const points = [...text];
  const cuts = new Set([0, points.length, ...(own || []), ...(spans || []).flatMap(([start, end]) => [start, end])]);
  const edges = [...cuts].sort((a, b) => a - b);
  return edges.slice(1).map((end, index) => {
    const start = edges[index];
    const part = points.slice(start, end).join("");
    const evidence = (spans || []).find((span) => span[0] <= start && end <= span[1]);
    const shown = evidence
      ? h("mark", { class: `by-${evidence[2]}`, title: `Evidence for: ${FIELD_NAMES[evidence[2]] || evidence[2]}` }, part)
      : part;
    return own && own[0] <= start && end <= own[1] ? h("span", { class: "own" }, shown) : shown;
  });
}

function card(title, extra, ...content) {
  return h("section", { class: "card" }, h("h3", {}, title, extra && h("span", { class: "extra" }, extra)), ...content);
}

export function valueText(field, value, paperId) {
  if (value === null) return "taken back";
  if (field === "accept") return value ? "accepted" : "rejected";
  if (field === "kind") return kindName(value);
  if (field === "mask") return `${plural(value.marks ?? 0, "mark")}, identifying text: ${value.identifying || "not known"}`;
  if (field === "panels") return plural(value.boxes ?? 0, "box", "boxes");
  if (field === "sub_caption" && value.length > 60) return `${value.slice(0, 60)}…`;
  if (field === "patient" && paperId && value.startsWith(paperId)) return value.slice(paperId.length).replace(/^[-_]+/, "");
  return String(value) || "—";
}

function textCards(item) {
  const cards = [];
  for (const [name, title] of Object.entries(TEXT_NAMES)) {
    if (!item.texts[name] || (name === "sub_caption" && item.own)) continue;
    const extra = name === "caption" && item.figure.caption_page && item.figure.caption_page !== item.figure.page
      ? `page ${item.figure.caption_page}` : null;
    cards.push(card(title, extra, h("p", { class: "prose" }, marked(item.texts[name], item.highlights[name], name === "caption" ? item.own : null))));
  }
  return cards;
}

function mentionsCard(item) {
  const mentions = Object.keys(item.texts).filter((name) => name.startsWith("mention"));
  if (!mentions.length) return null;
  return card("In the text", plural(mentions.length, "passage"),
    h("ul", { class: "mentions" }, mentions.map((name) => h("li", {}, marked(item.texts[name], item.highlights[name])))));
}

function paperCard({ paper, texts, highlights }) {
  const title = paper.title ? marked(paper.title, highlights.title) : paper.paper_id;
  const facts = [paper.date, paper.server, paper.version > 1 && `version ${paper.version}`, paper.doi].filter(Boolean);
  const licence = h("p", { class: "licence" }, h("span", { class: "chip" }, paper.licence || "no licence known"),
    paper.no_copies && h("span", { class: "note" }, "Shown here only: this licence allows no copies, so nothing of it is exported."));
  const evidence = Boolean(highlights.abstract && highlights.abstract.length);
  const abstract = texts.abstract && h("details", { open: evidence }, h("summary", {}, "Abstract"), h("p", { class: "prose" }, marked(texts.abstract, highlights.abstract)));
  return card("Paper", null,
    h("p", { class: "title" }, paper.url ? away(paper.url, title) : title),
    h("p", { class: "note" }, facts.join(" · ")), licence, abstract);
}

function rulesCard(item) {
  const rules = new Map();
  for (const decision of item.history) {
    if (decision.by.startsWith("curator:") || decision.undoes || rules.has(decision.field)) continue;
    rules.set(decision.field, decision);
  }
  if (!rules.size) return card("What the rules said", null, h("p", { class: "note" }, "No rule has looked at this panel yet: run covidct curate auto."));
  const place = (decision) => Object.keys(FIELD_NAMES).indexOf(decision.field);
  const rows = [...rules.values()].sort((a, b) => place(a) - place(b)).map((decision) => {
    const beaten = item.current[decision.field] && item.current[decision.field].decision_id !== decision.decision_id;
    const sure = decision.score === null ? null : h("meter", { min: 0, max: 1, value: decision.score, title: `sure: ${decision.score.toFixed(2)}` });
    return h("li", { class: beaten ? "beaten" : "" },
      h("span", { class: "field" }, FIELD_NAMES[decision.field] || decision.field),
      h("span", { class: "value" }, valueText(decision.field, decision.value, item.paper.paper_id), sure),
      h("span", { class: "why" }, decision.why || "no reason given", " ", h("code", {}, who(decision.by)),
        beaten && h("em", {}, " · overruled")));
  });
  return card("What the rules said", null, h("ul", { class: "rules" }, rows));
}

function historyCard(item) {
  const people = item.history.filter((decision) => decision.by.startsWith("curator:"));
  if (!people.length) return card("Earlier decisions", null, h("p", { class: "note" }, "Nobody has decided anything here yet."));
  const undone = new Set(people.map((decision) => decision.undoes).filter(Boolean));
  const rows = people.map((decision) => h("li", { class: undone.has(decision.decision_id) || decision.undoes ? "undone" : "" },
    h("strong", {}, who(decision.by)), ": ", FIELD_NAMES[decision.field] || decision.field, " ",
    h("span", { class: `says ${decision.value}` }, decision.undoes ? "undone" : valueText(decision.field, decision.value, item.paper.paper_id)),
    h("span", { class: "note" }, ` ${when(decision.at)}${decision.seconds >= 0.5 ? ` · ${Math.round(decision.seconds)} s` : ""}`)));
  return card("Earlier decisions", null, h("ol", { class: "history" }, rows));
}

// The page is drawn when somebody opens it: most figures are judged without.
function pageAround(figure) {
  const view = h("details", { class: "page-around" }, h("summary", {}, `Page ${figure.page} round the figure`));
  view.addEventListener("toggle", async () => {
    if (!view.open || view.querySelector("img, p")) return;
    try {
      const url = URL.createObjectURL(await blob(`/picture/page/${encodeURIComponent(figure.figure_id)}`));
      view.append(h("img", { src: url, alt: `Page ${figure.page} of the paper; a red frame marks the figure`,
        onload: () => URL.revokeObjectURL(url) }));
    } catch (error) {
      view.append(h("p", { class: "note" }, error.status === 404 ? "The document was not kept." : error.message));
    }
  });
  return view;
}

export function facts(item, figureNode) {
  const place = [item.figure.page && `page ${item.figure.page}`, item.figure.source_file].filter(Boolean).join(" · ");
  return [
    card(item.figure.label || "Figure", place, figureNode, item.figure.page && pageAround(item.figure)),
    ...textCards(item),
    rulesCard(item),
    mentionsCard(item),
    historyCard(item),
    paperCard(item),
  ].filter(Boolean);
}

export function conflictNotice(item) {
  if (!item.conflicts.length) return null;
  const lines = item.conflicts.map(({ field, words }) => h("li", {}, `${FIELD_NAMES[field] || field}: `,
    words.map((word, index) => [index ? " · " : "", h("strong", {}, who(word.by)), " says ", h("b", {}, valueText(field, word.value))])));
  return h("div", { class: "conflict", role: "note" }, h("strong", {}, "Conflict. "),
    "Two curators differ; what you decide now settles it.", h("ul", {}, lines));
}
