// The figure with its panel boxes: to look at, and to draw, move, resize, split, merge and delete them.

import { h, svg, button, toast } from "./dom.js";

const LEAST = 8;
const EDGES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

function boxMark(box, current, scale) {
  const [x0, y0, x1, y1] = box.box;
  const size = 15 * scale;
  const name = box.label || "·";
  return svg("g", { class: current ? "panel-box current" : "panel-box" },
    svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: "under" }),
    svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: "edge" }),
    svg("rect", { x: x0, y: y0, width: size * (0.75 + 0.62 * name.length), height: size * 1.35, class: "tag" }),
    svg("text", { x: x0 + size * 0.36, y: y0 + size * 1.02, "font-size": size }, name));
}

// `pick(panel)` is called when a box is chosen.
export function figureView(figure, url, currentId, pick, shown) {
  const scale = Math.max(figure.width / 340, figure.height / 300);
  const marks = shown ? figure.panels.map((panel) => {
    const mark = boxMark(panel, panel.panel_id === currentId, scale);
    mark.setAttribute("role", "button");
    mark.setAttribute("tabindex", "0");
    mark.setAttribute("aria-label", `Panel ${panel.label || "without letter"}${panel.panel_id === currentId ? ", shown" : ""}`);
    mark.addEventListener("click", () => pick(panel));
    mark.addEventListener("keydown", (event) => event.key === "Enter" && pick(panel));
    return mark;
  }) : [];
  return svg("svg", { class: "figure", viewBox: `0 0 ${figure.width} ${figure.height}`, role: "group",
    "aria-label": `${figure.label || "Figure"} with ${figure.panels.length} panels` },
    svg("image", { href: url, width: figure.width, height: figure.height }), marks);
}

export class BoxEditor {
  // `done(boxes | null)` is called at the end: the boxes to save, or null.
  constructor(figure, url, currentId, done) {
    Object.assign(this, { figure, done, steps: [], selected: new Set(), drawing: null });
    const shown = figure.panels.findIndex((panel) => panel.panel_id === currentId);
    this.boxes = figure.panels.map((panel) => ({ label: panel.label, box: panel.box.map(Math.round) }));
    this.scale = Math.max(figure.width / 700, figure.height / 560);
    this.image = svg("image", { href: url, width: figure.width, height: figure.height });
    this.marks = svg("g", {});
    this.canvas = svg("svg", { class: "figure editing", viewBox: `0 0 ${figure.width} ${figure.height}`, tabindex: "0",
      role: "application", "aria-label": "Panel boxes. Tab or n chooses a box, arrows move it, alt and arrows resize it." },
      this.image, this.marks);
    this.state = h("output", { class: "tool-state", role: "status" });
    this.letter = h("input", { maxlength: 4, size: 3, autocomplete: "off", oninput: () => this.rename(this.letter.value) });
    this.tools = this.controls();
    this.node = h("div", { class: "box-editor" }, this.canvas);
    this.listen();
    if (this.boxes.length) this.selected.add(Math.max(0, shown));
    this.draw();
  }

  controls() {
    return h("div", { class: "tools", role: "toolbar", "aria-label": "Boxes" },
      button("Next", "n", () => this.next()),
      button("Add", "a", () => this.add()),
      button("Split ↔", "s", () => this.split(false)),
      button("Split ↕", "S", () => this.split(true)),
      button("Merge", "m", () => this.merge()),
      button("Delete", "Delete", () => this.remove()),
      h("label", {}, "Letter ", this.letter),
      button("Step back", "u", () => this.back()),
      button("Save", "Enter", () => this.save(), { class: "primary", "data-tool": "save" }),
      button("Cancel", "Escape", () => this.done(null)),
      this.state);
  }

  remember() {
    this.steps.push(JSON.stringify(this.boxes));
  }

  back() {
    const step = this.steps.pop();
    if (!step) return toast("Nothing to take back in these boxes");
    this.boxes = JSON.parse(step);
    this.selected = new Set(this.boxes.length ? [0] : []);
    this.draw();
  }

  draw() {
    this.marks.replaceChildren(...this.boxes.map((box, index) => {
      const mark = boxMark(box, this.selected.has(index), this.scale);
      mark.dataset.index = index;
      if (this.selected.has(index)) mark.append(...this.handles(box.box));
      return mark;
    }));
    if (this.drawing) this.marks.append(boxMark({ label: "+", box: this.drawing }, true, this.scale));
    const [only] = this.selected;
    const one = this.selected.size === 1 && this.boxes[only];
    if (one && document.activeElement !== this.letter) this.letter.value = one.label;
    this.letter.disabled = !one;
    const where = one ? ` · ${one.label || "no letter"}: ${one.box.join(", ")}` : "";
    this.state.textContent = `${this.boxes.length} boxes, ${this.selected.size} chosen${where}`;
  }

  handles([x0, y0, x1, y1]) {
    const at = { w: x0, e: x1, n: y0, s: y1 };
    const size = 9 * this.scale;
    return EDGES.map((edge) => {
      const x = /[we]/.test(edge) ? at[edge.match(/[we]/)[0]] : (x0 + x1) / 2;
      const y = /[ns]/.test(edge) ? at[edge.match(/[ns]/)[0]] : (y0 + y1) / 2;
      return svg("rect", { class: `handle ${edge}`, "data-edge": edge, x: x - size / 2, y: y - size / 2, width: size, height: size });
    });
  }

  point(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.canvas.getScreenCTM().inverse());
    return [at.x, at.y];
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerup", () => this.release());
    this.canvas.addEventListener("dragstart", (event) => event.preventDefault());
  }

  press(event) {
    if (event.button !== 0) return;
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.remember();
    const mark = event.target.closest("[data-index]");
    const at = this.point(event);
    if (!mark) {
      this.drag = { how: "draw", from: at };
      return;
    }
    const index = Number(mark.dataset.index);
    if (event.shiftKey) this.selected.add(index);
    else if (!this.selected.has(index)) this.selected = new Set([index]);
    this.drag = { how: event.target.dataset.edge || "all", from: at, boxes: JSON.parse(JSON.stringify(this.boxes)), index };
    this.draw();
  }

  move(event) {
    if (!this.drag) return;
    const at = this.point(event);
    const [dx, dy] = [at[0] - this.drag.from[0], at[1] - this.drag.from[1]];
    if (this.drag.how === "draw") this.drawing = this.clamp([this.drag.from[0], this.drag.from[1], at[0], at[1]]);
    else {
      const chosen = this.drag.how === "all" ? this.selected : [this.drag.index];
      for (const index of chosen) this.boxes[index].box = this.moved(this.drag.boxes[index].box, this.drag.how, dx, dy);
    }
    this.draw();
  }

  release() {
    const drag = this.drag;
    this.drag = null;
    const drawn = this.drawing;
    this.drawing = null;
    if (drag && drag.how === "draw") {
      if (drawn && drawn[2] - drawn[0] >= LEAST && drawn[3] - drawn[1] >= LEAST) this.insert(drawn);
      else {
        this.steps.pop();
        this.selected.clear();
      }
    } else if (drag && JSON.stringify(drag.boxes) === JSON.stringify(this.boxes)) this.steps.pop();
    this.draw();
  }

  insert(box) {
    this.boxes.push({ label: this.freeLetter(), box });
    this.selected = new Set([this.boxes.length - 1]);
  }

  freeLetter() {
    const used = new Set(this.boxes.map((box) => box.label));
    return [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].find((letter) => !used.has(letter)) || "";
  }

  moved([x0, y0, x1, y1], how, dx, dy) {
    const { width, height } = this.figure;
    if (how === "all") {
      const mx = Math.min(width - x1, Math.max(-x0, Math.round(dx)));
      const my = Math.min(height - y1, Math.max(-y0, Math.round(dy)));
      return [x0 + mx, y0 + my, x1 + mx, y1 + my];
    }
    const box = [x0, y0, x1, y1];
    if (how.includes("w")) box[0] = Math.min(x0 + dx, x1 - LEAST);
    if (how.includes("e")) box[2] = Math.max(x1 + dx, x0 + LEAST);
    if (how.includes("n")) box[1] = Math.min(y0 + dy, y1 - LEAST);
    if (how.includes("s")) box[3] = Math.max(y1 + dy, y0 + LEAST);
    return this.clamp(box);
  }

  clamp([xa, ya, xb, yb]) {
    const inX = (x) => Math.round(Math.min(this.figure.width, Math.max(0, x)));
    const inY = (y) => Math.round(Math.min(this.figure.height, Math.max(0, y)));
    return [inX(Math.min(xa, xb)), inY(Math.min(ya, yb)), inX(Math.max(xa, xb)), inY(Math.max(ya, yb))];
  }

  change(action) {
    if (!this.selected.size) return toast("Choose a box first (n)");
    this.remember();
    action();
    this.draw();
  }

  next() {
    const [now] = this.selected;
    this.selected = new Set(this.boxes.length ? [((now ?? -1) + 1) % this.boxes.length] : []);
    this.draw();
  }

  add() {
    const { width, height } = this.figure;
    this.remember();
    this.insert(this.clamp([width * 0.3, height * 0.3, width * 0.7, height * 0.7]));
    this.draw();
  }

  rename(text) {
    const [index] = this.selected;
    if (index === undefined) return;
    this.boxes[index].label = text.trim();
    this.draw();
  }

  // Side by side, or with `stacked` one above the other.
  split(stacked) {
    this.change(() => {
      const chosen = [...this.selected].sort((a, b) => b - a);
      for (const index of chosen) {
        const { label, box: [x0, y0, x1, y1] } = this.boxes[index];
        const middle = stacked ? Math.round((y0 + y1) / 2) : Math.round((x0 + x1) / 2);
        const halves = stacked ? [[x0, y0, x1, middle], [x0, middle, x1, y1]] : [[x0, y0, middle, y1], [middle, y0, x1, y1]];
        this.boxes.splice(index, 1, { label, box: halves[0] }, { label: this.freeLetter(), box: halves[1] });
      }
      this.selected = new Set([chosen[chosen.length - 1]]);
    });
  }

  // All chosen boxes into one; a single chosen one takes in the next.
  merge() {
    this.change(() => {
      const chosen = [...this.selected].sort((a, b) => a - b);
      if (chosen.length === 1 && this.boxes.length > 1) chosen.push((chosen[0] + 1) % this.boxes.length);
      const all = chosen.map((index) => this.boxes[index]);
      const edge = (side, how) => how(...all.map(({ box }) => box[side]));
      const joined = { label: all[0].label, box: [edge(0, Math.min), edge(1, Math.min), edge(2, Math.max), edge(3, Math.max)] };
      this.boxes = this.boxes.filter((_, index) => !chosen.includes(index));
      this.boxes.unshift(joined);
      this.selected = new Set([0]);
    });
  }

  remove() {
    this.change(() => {
      this.boxes = this.boxes.filter((_, index) => !this.selected.has(index));
      this.selected = new Set(this.boxes.length ? [0] : []);
    });
  }

  save() {
    if (!this.boxes.length) return toast("A figure keeps at least one box: reject its panel instead (x)");
    this.done(this.boxes);
  }

  nudge(x, y, event) {
    this.change(() => {
      const step = event.shiftKey ? 10 : 1;
      const how = event.altKey ? (x ? "e" : "s") : "all";
      for (const index of this.selected) this.boxes[index].box = this.moved(this.boxes[index].box, how, x * step, y * step);
    });
  }

  key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const actions = {
      n: () => this.next(), a: () => this.add(), s: () => this.split(false), S: () => this.split(true),
      m: () => this.merge(), Delete: () => this.remove(), Backspace: () => this.remove(), u: () => this.back(),
      Enter: () => this.save(), Escape: () => this.done(null),
    };
    const action = arrows[event.key] ? () => this.nudge(...arrows[event.key], event) : actions[event.key];
    if (action) action();
    return Boolean(action);
  }
}
