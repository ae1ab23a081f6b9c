// Painting what is to be hidden: a brush over the picture, kept as one byte a pixel, and a look at the result.

import { h, button, toast } from "./dom.js";
import { bitmap, post } from "./api.js";

const TINT = [255, 64, 160];
const MOST_STEPS = 30;

export class MaskTool {
  // `existing` is the mask in force as an image, or null; `done(base64 | null)` is called at the end.
  constructor(viewer, panel, existing, done) {
    Object.assign(this, { viewer, panel, done, size: 12, erase: false, steps: [], preview: false });
    this.width = viewer.image.width;
    this.height = viewer.image.height;
    this.layer = new OffscreenCanvas(this.width, this.height);
    this.context = this.layer.getContext("2d", { willReadFrequently: true });
    if (existing) this.load(existing);
    this.cursor = [this.width / 2, this.height / 2];
    this.original = viewer.image;
    viewer.tool = this;
    this.node = this.controls();
    viewer.canvas.focus();
    viewer.draw();
  }

  load(image) {
    this.context.drawImage(image, 0, 0, this.width, this.height);
    const pixels = this.context.getImageData(0, 0, this.width, this.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      const on = pixels.data[i] > 127;
      [pixels.data[i], pixels.data[i + 1], pixels.data[i + 2]] = TINT;
      pixels.data[i + 3] = on ? 255 : 0;
    }
    this.context.putImageData(pixels, 0, 0);
  }

  controls() {
    this.mode = h("output", { class: "tool-state", role: "status" });
    const bar = h("div", { class: "tools", role: "toolbar", "aria-label": "Mask" },
      button("Paint", "p", () => this.setErase(false), { "data-tool": "paint" }),
      button("Erase", "e", () => this.setErase(true), { "data-tool": "erase" }),
      button("Smaller", "[", () => this.resize(-3)),
      button("Larger", "]", () => this.resize(3)),
      button("Step back", "u", () => this.back()),
      button("Preview", "i", () => this.togglePreview(), { "data-tool": "preview" }),
      button("Save", "Enter", () => this.save(), { class: "primary", "data-tool": "save" }),
      button("Cancel", "Escape", () => this.close(null)),
      this.mode);
    this.say(bar);
    return bar;
  }

  say(bar = this.node) {
    this.mode.textContent = `${this.erase ? "Erasing" : "Painting"}, brush ${this.size} px` + (this.preview ? ", preview" : "");
    bar.querySelector("[data-tool=paint]").setAttribute("aria-pressed", String(!this.erase));
    bar.querySelector("[data-tool=erase]").setAttribute("aria-pressed", String(this.erase));
    bar.querySelector("[data-tool=preview]").setAttribute("aria-pressed", String(this.preview));
  }

  setErase(erase) {
    this.erase = erase;
    this.say();
  }

  resize(by) {
    this.size = Math.min(120, Math.max(1, this.size + by));
    this.say();
    this.viewer.draw();
  }

  remember() {
    this.steps.push(this.context.getImageData(0, 0, this.width, this.height));
    if (this.steps.length > MOST_STEPS) this.steps.shift();
  }

  back() {
    const step = this.steps.pop();
    if (!step) return toast("Nothing to take back in this mask");
    this.context.putImageData(step, 0, 0);
    this.endPreview();
  }

  press(at) {
    this.endPreview();
    this.remember();
    this.from = at;
    this.drag(at);
  }

  drag(at) {
    const context = this.context;
    context.globalCompositeOperation = this.erase ? "destination-out" : "source-over";
    context.strokeStyle = `rgb(${TINT})`;
    context.lineCap = "round";
    context.lineWidth = this.size;
    context.beginPath();
    context.moveTo(...this.from);
    context.lineTo(at[0] + 0.01, at[1]);
    context.stroke();
    this.from = this.cursor = at;
    this.viewer.draw();
  }

  release() {}

  hover(at) {
    this.cursor = at;
    this.viewer.draw();
  }

  draw(context, { scale, left, top }) {
    if (!this.preview) {
      context.globalAlpha = 0.55;
      context.drawImage(this.layer, left, top, this.width * scale, this.height * scale);
      context.globalAlpha = 1;
    }
    for (const [colour, width] of [["#000", 3], ["#fff", 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.arc(left + this.cursor[0] * scale, top + this.cursor[1] * scale, (this.size / 2) * scale, 0, 7);
      context.stroke();
    }
  }

  async encoded() {
    const pixels = this.context.getImageData(0, 0, this.width, this.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      const value = pixels.data[i + 3] > 127 ? 255 : 0;
      pixels.data.set([value, value, value, 255], i);
    }
    const out = new OffscreenCanvas(this.width, this.height);
    out.getContext("2d").putImageData(pixels, 0, 0);
    const bytes = new Uint8Array(await (await out.convertToBlob({ type: "image/png" })).arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  }

  async togglePreview() {
    if (this.preview) return this.endPreview();
    const answer = await post("/api/preview", { panel_id: this.panel.panel_id, mask: await this.encoded() });
    const image = await createImageBitmap(await answer.blob());
    this.preview = true;
    this.viewer.show(image);
    this.say();
  }

  endPreview() {
    if (this.preview) {
      this.preview = false;
      this.viewer.show(this.original);
    }
    this.viewer.draw();
    this.say();
  }

  async save() {
    this.close(await this.encoded());
  }

  close(mask) {
    this.viewer.tool = null;
    this.viewer.show(this.original);
    this.node.remove();
    this.done(mask);
  }

  stamp() {
    this.endPreview();
    this.remember();
    this.from = this.cursor;
    this.drag([...this.cursor]);
  }

  move(x, y, painting) {
    const at = [Math.min(this.width, Math.max(0, this.cursor[0] + x)), Math.min(this.height, Math.max(0, this.cursor[1] + y))];
    if (painting) {
      if (!this.steps.length) this.remember();
      this.from = this.cursor;
      this.drag(at);
    } else this.hover(at);
  }

  // Arrows move the brush, with shift they paint as they go; space paints a dot.
  key(event) {
    const step = event.altKey ? 1 : Math.max(2, Math.round(this.size / 3));
    const arrows = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (arrows[event.key]) {
      this.move(...arrows[event.key], event.shiftKey);
      return true;
    }
    const actions = {
      " ": () => this.stamp(), p: () => this.setErase(false), e: () => this.setErase(true),
      "[": () => this.resize(-3), "]": () => this.resize(3), u: () => this.back(), i: () => this.togglePreview(),
      Enter: () => this.save(), Escape: () => this.close(null),
    };
    if (actions[event.key]) actions[event.key]();
    return Boolean(actions[event.key]);
  }
}

export const maskInForce = async (panel) => (panel.mask ? bitmap(`/picture/panel/${encodeURIComponent(panel.panel_id)}?as=mask`) : null);
