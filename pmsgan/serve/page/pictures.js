// The pictures of this page, and the queue in which their results are made.
import { translate } from "./api.js";

const atOnce = 4; // requests
const calmMilliseconds = 350; // after a change of colours, other pictures than the selected wait
const largePixels = 1.5e6; // a larger result is sent as a JPEG while colours change
const patience = 10; // tries for a server that is busy

export class Pictures {
  // `wanted` returns style and options of results; `changed` is called with a picture that has changed.
  constructor(wanted, changed) {
    this.all = [];
    this.selected = null;
    this.wanted = wanted;
    this.changed = changed;
    this.running = new Set();
    this.calmAt = 0;
  }

  add(files) {
    const added = files.map(({ file, path }) => ({
      file, path, before: URL.createObjectURL(file), result: null, problem: null, tries: 0, kept: {},
    }));
    this.all.push(...added);
    this.select(this.selected ?? added[0]);
    this.work();
    return added;
  }

  select(picture) {
    const old = this.selected;
    this.selected = picture;
    if (old) this.changed(old);
    this.changed(picture);
    this.work();
  }

  // Makes results anew where options have changed; `soon` says that more changes may follow.
  refresh(soon = false) {
    for (const picture of this.all) picture.tries = 0;
    this.calmAt = soon ? performance.now() + calmMilliseconds : 0;
    if (soon) setTimeout(() => this.work(), calmMilliseconds + 20);
    this.work();
  }

  // A browser shows no layers, and large files take time.
  shownOptions(picture) {
    const { style, options } = this.wanted();
    const isLarge = picture.result && picture.result.width * picture.result.height > largePixels;
    const format = performance.now() < this.calmAt && isLarge ? "jpg" : options.format === "ora" ? "png" : options.format;
    return { style, options: { ...options, format } };
  }

  isStale(picture) {
    return (picture.result ?? picture.problem)?.key !== JSON.stringify(this.shownOptions(picture));
  }

  work() {
    const isBusy = performance.now() < this.calmAt;
    const first = this.selected ? [this.selected] : [];
    for (const picture of isBusy ? first : [...first, ...this.all]) {
      if (this.running.size >= atOnce + (picture === this.selected ? 1 : 0)) return;
      if (!this.running.has(picture) && this.isStale(picture)) this.run(picture);
    }
  }

  async run(picture) {
    const asked = this.shownOptions(picture);
    const key = JSON.stringify(asked);
    this.running.add(picture);
    this.changed(picture);
    try {
      const result = await this.make(picture, asked);
      if (picture.result) URL.revokeObjectURL(picture.result.url);
      picture.result = { ...result, key, url: URL.createObjectURL(result.blob) };
      picture.problem = null;
    } catch (error) {
      const mayHeal = (error.status === 503 || error.status === 0) && ++picture.tries < patience;
      if (mayHeal) await new Promise((done) => setTimeout(done, 1000 * error.retryAfter));
      else {
        if (picture.result) URL.revokeObjectURL(picture.result.url);
        picture.result = null;
        picture.problem = { key, text: error.message };
      }
    }
    this.running.delete(picture);
    this.changed(picture);
    this.work();
  }

  async make(picture, { style, options }) {
    const result = await translate(picture.file, style, options, picture.kept[style + options.size]);
    if (result.kept) picture.kept[style + options.size] = result.kept;
    return result;
  }

  // Returns the file of a result in the chosen format, with its name.
  async download(picture) {
    const { style, options } = this.wanted();
    const isShown = options.format !== "ora" && !this.isStale(picture);
    const blob = isShown ? picture.result.blob : (await this.make(picture, { style, options })).blob;
    return [picture.path.replace(/\.[^./]*$/, "") + `.${options.format}`, blob];
  }
}
