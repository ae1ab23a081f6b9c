// One picture, large: zoom round the pointer, pan, window and level. Pixels go through a table of 256 values.

import { h } from "./dom.js";

const WINDOW = 256;
const LEVEL = 128;
// Printed pictures hold grey values, no Hounsfield units: these spread the range in which lung, or soft tissue, was printed.
const PRESETS = [["as printed", WINDOW, LEVEL], ["lung", 140, 70], ["mediastinal", 120, 180]];

export class Viewer {
  constructor(label) {
    this.canvas = h("canvas", { class: "picture", tabindex: "0", role: "img", "aria-label": label });
    this.reading = h("output", { class: "reading" });
    this.node = h("div", { class: "viewer" }, this.canvas, this.reading);
    this.reset();
    this.tool = null;
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.node);
  }

  reset() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    this.window = WINDOW;
    this.level = LEVEL;
  }

  show(image, label) {
    this.image = image;
    if (label) this.canvas.setAttribute("aria-label", label);
    this.source = new OffscreenCanvas(image.width, image.height);
    const context = this.source.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    this.pixels = context.getImageData(0, 0, image.width, image.height);
    this.applyWindow();
    this.draw();
  }

  clear() {
    this.image = null;
    this.pixels = null;
    this.reading.textContent = "";
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  applyWindow() {
    if (!this.pixels) return;
    this.shown = new OffscreenCanvas(this.pixels.width, this.pixels.height);
    const context = this.shown.getContext("2d");
    if (this.window === WINDOW && this.level === LEVEL) {
      context.putImageData(this.pixels, 0, 0);
      return;
    }
    const low = this.level - this.window / 2;
    const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => ((value - low) * 255) / this.window);
    const from = this.pixels.data;
    const to = new ImageData(this.pixels.width, this.pixels.height);
    for (let i = 0; i < from.length; i += 4) {
      to.data[i] = table[from[i]];
      to.data[i + 1] = table[from[i + 1]];
      to.data[i + 2] = table[from[i + 2]];
      to.data[i + 3] = from[i + 3];
    }
    context.putImageData(to, 0, 0);
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.node.getBoundingClientRect();
    const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (!w || !t || (this.canvas.width === w && this.canvas.height === t)) return;
    this.canvas.width = w;
    this.canvas.height = t;
    this.draw();
  }

  // Canvas pixels per picture pixel, and where the picture's corner lies.
  frame() {
    const fit = Math.min(this.canvas.width / this.image.width, this.canvas.height / this.image.height) * 0.98;
    const scale = fit * this.zoom;
    return {
      scale,
      left: (this.canvas.width - this.image.width * scale) / 2 + this.x,
      top: (this.canvas.height - this.image.height * scale) / 2 + this.y,
    };
  }

  draw() {
    if (!this.image || !this.canvas.width) return;
    const context = this.canvas.getContext("2d");
    const { scale, left, top } = this.frame();
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.imageSmoothingEnabled = scale < 3;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.shown, left, top, this.image.width * scale, this.image.height * scale);
    if (this.tool) this.tool.draw(context, { scale, left, top });
    const parts = [`${this.image.width} × ${this.image.height}`, `${Math.round((scale * 100) / (devicePixelRatio || 1))} %`];
    const preset = PRESETS.find(([, width, level]) => width === this.window && level === this.level);
    if (!preset) parts.push(`W ${Math.round(this.window)} L ${Math.round(this.level)}`);
    else if (preset !== PRESETS[0]) parts.push(`${preset[0]} (W ${preset[1]} L ${preset[2]})`);
    this.reading.textContent = parts.join(" · ");
  }

  toPicture(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    const { scale, left, top } = this.frame();
    return [((event.clientX - box.left) * ratio - left) / scale, ((event.clientY - box.top) * ratio - top) / scale];
  }

  zoomBy(factor, at) {
    if (!this.image) return;
    const before = this.frame();
    const zoom = Math.min(40, Math.max(0.5, this.zoom * factor));
    const [px, py] = at || [this.canvas.width / 2, this.canvas.height / 2];
    const grown = zoom / this.zoom;
    this.zoom = zoom;
    const width = this.image.width * before.scale * grown;
    const height = this.image.height * before.scale * grown;
    this.x = px - (px - before.left) * grown - (this.canvas.width - width) / 2;
    this.y = py - (py - before.top) * grown - (this.canvas.height - height) / 2;
    this.draw();
  }

  panBy(x, y) {
    this.x += x;
    this.y += y;
    this.draw();
  }

  windowBy(width, level) {
    this.window = Math.min(512, Math.max(2, this.window + width));
    this.level = Math.min(255, Math.max(0, this.level + level));
    this.applyWindow();
    this.draw();
  }

  nextPreset() {
    const now = PRESETS.findIndex(([, width, level]) => width === this.window && level === this.level);
    [, this.window, this.level] = PRESETS[(now + 1) % PRESETS.length];
    this.applyWindow();
    this.draw();
  }

  fit() {
    this.reset();
    this.applyWindow();
    this.draw();
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      const ratio = canvas.width / box.width;
      this.zoomBy(Math.exp(-event.deltaY / 400), [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio]);
    }, { passive: false });
    canvas.addEventListener("dblclick", () => !this.tool && this.fit());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.release(event));
  }

  press(event) {
    if (!this.image) return;
    this.canvas.setPointerCapture(event.pointerId);
    const windowing = event.button === 2 || event.shiftKey;
    this.dragging = { how: this.tool && event.button === 0 && !windowing ? "tool" : windowing ? "window" : "pan" };
    this.last = [event.clientX, event.clientY];
    if (this.dragging.how === "tool") this.tool.press(this.toPicture(event));
  }

  drag(event) {
    if (this.tool && this.tool.hover && this.image) this.tool.hover(this.toPicture(event));
    if (!this.dragging) return;
    const [dx, dy] = [event.clientX - this.last[0], event.clientY - this.last[1]];
    this.last = [event.clientX, event.clientY];
    const ratio = window.devicePixelRatio || 1;
    if (this.dragging.how === "tool") this.tool.drag(this.toPicture(event));
    else if (this.dragging.how === "window") this.windowBy(dx, -dy);
    else this.panBy(dx * ratio, dy * ratio);
  }

  release() {
    if (this.dragging && this.dragging.how === "tool") this.tool.release();
    this.dragging = null;
  }

  // True when the key meant something here.
  key(event) {
    const step = 40;
    const actions = {
      "+": () => this.zoomBy(1.25),
      "=": () => this.zoomBy(1.25),
      "-": () => this.zoomBy(0.8),
      0: () => this.fit(),
      "[": () => this.windowBy(-16, 0),
      "]": () => this.windowBy(16, 0),
      "{": () => this.windowBy(0, -8),
      "}": () => this.windowBy(0, 8),
      ArrowLeft: () => this.panBy(step, 0),
      ArrowRight: () => this.panBy(-step, 0),
      ArrowUp: () => this.panBy(0, step),
      ArrowDown: () => this.panBy(0, -step),
    };
    const action = actions[event.key];
    if (action) action();
    return Boolean(action);
  }
}
