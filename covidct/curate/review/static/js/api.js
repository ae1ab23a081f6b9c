// Talking to the server. What a curator says goes into localStorage first and leaves it only when the server has
// confirmed it; each word carries a key of its own, so saying it twice writes it once.

import { byId, h, plural } from "./dom.js";

const token = new URLSearchParams(location.search).get("token") || "";
const slot = `covidct.outbox.${document.documentElement.dataset.workspace}`;
const listeners = { saved: [], back: [], refused: [] };
let sending = null;
let gone = false;
let wait = 500;

export const on = (event, action) => listeners[event].push(action);
const tell = (event, ...what) => listeners[event].forEach((action) => action(...what));

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function get(path, parameters) {
  const given = Object.entries(parameters || {}).filter(([, value]) => value !== undefined);
  const query = given.length ? "?" + new URLSearchParams(given) : "";
  const answer = await request(path + query, {});
  return answer.json();
}

export async function post(path, body) {
  return request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function request(path, options) {
  const limit = AbortSignal.timeout(20000);
  let answer;
  try {
    answer = await fetch(path, { ...options, signal: limit, headers: { ...options.headers, "X-Covidct-Token": token } });
  } catch (error) {
    setGone(true, "");
    throw error;
  }
  if (answer.status === 403 || answer.status === 421) {
    setGone(true, "The server was started anew and has a new address.");
    throw new Refused(answer.status, "refused");
  }
  setGone(false, "");
  if (!answer.ok) throw new Refused(answer.status, (await answer.text()).slice(0, 300));
  return answer;
}

export const picture = (path) => `${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;

export const blob = async (path) => (await request(path, {})).blob();
export const bitmap = async (path) => createImageBitmap(await blob(path));

function read() {
  try {
    return JSON.parse(localStorage.getItem(slot)) || [];
  } catch {
    return [];
  }
}

function write(words) {
  localStorage.setItem(slot, JSON.stringify(words));
  show();
}

export const unsent = () => read().length;
export const unsentAbout = (id) => read().flatMap((word) => word.decisions || []).filter((said) => said.entity_id === id);

// The body is kept, then sent in order; resolves with the server's answer, whenever that comes.
const waiting = new Map();
export function say(body) {
  const key = crypto.randomUUID();
  try {
    write([...read(), { ...body, key }]);
  } catch {
    // The browser's storage is full or forbidden: then at least it goes out at once.
    return { key, answer: post("/api/act", { ...body, key }).then((found) => found.json()) };
  }
  const answer = new Promise((resolve, reject) => waiting.set(key, { resolve, reject }));
  answer.catch(() => {});
  flush();
  return { key, answer };
}

export function flush() {
  if (!sending) sending = drain().finally(() => (sending = null));
  return sending;
}

// Two tabs of one browser share the box: only one of them empties it at a time.
const drain = () => (navigator.locks ? navigator.locks.request(slot, empty) : empty());

async function empty() {
  for (let [word] = read(); word; [word] = read()) {
    let answer;
    try {
      answer = await (await post("/api/act", word)).json();
    } catch (error) {
      if (!(error instanceof Refused) || [403, 421, 503].includes(error.status) || error.status >= 500) return later();
      remove(word.key);
      settle(word.key, "reject", error);
      tell("refused", error.message, word);
      continue;
    }
    remove(word.key);
    settle(word.key, "resolve", answer);
    tell("saved", answer, word);
  }
}

function remove(key) {
  write(read().filter((word) => word.key !== key));
}

function settle(key, how, what) {
  const found = waiting.get(key);
  waiting.delete(key);
  if (found) found[how](what);
}

function later() {
  wait = Math.min(wait * 1.5, 4000);
  setTimeout(flush, wait);
}

function setGone(now, why) {
  if (!now && gone) {
    wait = 500;
    setTimeout(() => tell("back"), 0);
  }
  gone = now;
  show(why);
}

export const isGone = () => gone;

function show(why) {
  const left = unsent();
  const saved = byId("saved");
  saved.textContent = left ? `${plural(left, "decision")} not yet saved` : "All saved";
  saved.classList.toggle("unsaved", left > 0);
  const notice = byId("gone");
  notice.hidden = !gone;
  if (!gone) return;
  const kept = left
    ? `${plural(left, "decision")} kept in this browser; sent as soon as the server answers.`
    : "Everything you decided is saved. You may go on: new decisions are kept in this browser.";
  notice.replaceChildren(h("strong", {}, why || "The server does not answer."), " ", kept, " ",
    "Start it again with ", h("code", {}, "covidct curate review"), " and open the address it prints.");
}

window.addEventListener("beforeunload", (event) => {
  if (unsent() && !gone) event.preventDefault();
});
window.addEventListener("online", flush);
show();
