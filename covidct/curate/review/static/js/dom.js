// Elements are built by hand, never from markup: what strangers wrote in a caption stays text.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(node.style, value);
    else if (name === "value" && "value" in node) node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
export const byId = (id) => document.getElementById(id);

export function button(text, key, action, extra = {}) {
  const label = key ? [text, " ", h("kbd", { "aria-hidden": "true" }, keyName(key))] : [text];
  return h("button", { type: "button", "aria-keyshortcuts": key || undefined, onclick: action, ...extra }, label);
}

function keyName(key) {
  return { ArrowLeft: "←", ArrowRight: "→", Enter: "⏎", Escape: "esc", Delete: "del" }[key] || key;
}

export function toast(text, action) {
  const note = h("div", { class: "toast" }, h("span", {}, text), action && action.node);
  byId("toasts").replaceChildren(note);
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => note.remove(), 6000);
}

// A link out of the page opens apart from it and says nothing of where it came from.
export function away(url, text) {
  let target;
  try {
    target = new URL(url);
  } catch {
    return h("span", {}, text);
  }
  if (target.protocol !== "https:" && target.protocol !== "http:") return h("span", {}, text);
  return h("a", { href: target.href, target: "_blank", rel: "noopener noreferrer" }, text);
}

export function openDialog(title, ...content) {
  const dialog = byId("dialog");
  const close = h("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close");
  dialog.replaceChildren(h("h2", { id: "dialog-title" }, title), ...content, close);
  if (!dialog.open) dialog.showModal();
  close.focus();
  return dialog;
}

export const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName) ||
    (target.tagName === "INPUT" && !["checkbox", "radio", "range", "button"].includes(target.type)));

export const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || one + "s"}`;

export function confirmed(question) {
  return new Promise((resolve) => {
    let answer = false;
    const yes = h("button", { type: "button", class: "primary", onclick: () => { answer = true; dialog.close(); } }, "Yes");
    const dialog = openDialog(question, h("p", {}, "You can take it back with u."), yes);
    yes.focus();
    // A browser reports a closing late: that of the dialog before, while this one is open, is no answer to it.
    const closed = () => {
      if (dialog.open) return;
      dialog.removeEventListener("close", closed);
      resolve(answer);
    };
    dialog.addEventListener("close", closed);
  });
}
