// The page: what is chosen, and what is shown of it.
import { listStyles } from "./api.js";
import { distinct, dropped, named, save } from "./files.js";
import { Pictures } from "./pictures.js";
import { fit, show, zoomBy, zoomTo } from "./viewer.js";
import { zip } from "./zip.js";

const $ = (name) => document.querySelector(name);
const server = await listStyles().catch((error) => { $("#status").textContent = error.message; throw error; });
const chosen = { style: server.default, palette: null }; // palette: colours by part, or random:SEED
const styleOf = (name) => server.styles.find((style) => style.name === name);

function wanted() {
  const options = { size: $("#size").value, format: $("#format").value };
  if (Object.keys(styleOf(chosen.style).parts).length) {
    if (chosen.palette) options.palette = paletteText();
    if ($("#shade").checked) options.shade = "true";
  } else if (options.format === "ora") options.format = "png";
  return { style: chosen.style, options };
}

const paletteText = () => typeof chosen.palette === "string" ? chosen.palette
  : Object.entries(chosen.palette).map((entry) => entry.join("=")).join(",");

const pictures = new Pictures(wanted, (picture) => {
  tellThumb(picture);
  if (picture === pictures.selected) tellSelected();
  tellAll();
});

// What is shown.

function tellThumb(picture) {
  const { thumb } = picture;
  if (!thumb) return;
  thumb.setAttribute("aria-current", picture === pictures.selected);
  thumb.classList.toggle("wait", !picture.result && !picture.problem);
  thumb.classList.toggle("bad", Boolean(picture.problem));
  thumb.title = picture.path + (picture.problem ? `: ${picture.problem.text}` : "");
  const url = picture.result?.url ?? (picture.isUnseen ? "" : picture.before);
  const image = thumb.firstChild;
  if (url && image.src !== url) image.src = url;
}

function tellSelected() {
  const picture = pictures.selected;
  const { result, problem } = picture;
  takeRandomPalette(picture);
  $("#view").hidden = false;
  const [width, height] = result ? [result.width, result.height] : picture.size ?? [1, 1];
  const before = picture.isUnseen ? null : picture.before;
  show(result && before, result?.url ?? before, width, height);
  $("#busy").hidden = !pictures.running.has(picture);
  $("#message").textContent = problem?.text ?? (result?.warning && `${result.warning}: try another style`) ?? "";
  $("#message").classList.toggle("bad", Boolean(problem));
  const facts = result ? [`${width} × ${height}`, `${Math.round(result.milliseconds)} ms`, result.note] : [];
  $("#caption").textContent = [picture.path, ...facts].filter(Boolean).join("  ·  ");
  for (const label of document.querySelectorAll("#parts label")) {
    const isAbsent = result?.parts.length && !result.parts.includes(label.dataset.part);
    label.classList.toggle("absent", Boolean(isAbsent));
  }
}

function tellAll() {
  const { length: total } = pictures.all;
  const [done, bad] = ["result", "problem"].map((end) => pictures.all.filter((picture) => picture[end]).length);
  const counts = [total > 1 && `${done} of ${total}`, bad && `${bad} failed`, document.body.dataset.leftOut];
  $("#status").textContent = counts.filter(Boolean).join(", ");
  $("#download").disabled = !pictures.selected?.result;
  $("#all").disabled = done < 2;
  document.body.classList.toggle("several", total > 1);
  $("#surprise").disabled = !pictures.selected?.result;
}

// A random palette is chosen by the server; the pickers then show its colours.
function takeRandomPalette(picture) {
  if (typeof chosen.palette !== "string" || pictures.isStale(picture) || !picture.result) return;
  chosen.palette = picture.result.palette;
  picture.result.key = JSON.stringify(pictures.shownOptions(picture));
  tellPalette();
  pictures.work();
}

function tellPalette() {
  const colours = typeof chosen.palette === "object" && chosen.palette ? chosen.palette : styleOf(chosen.style).parts;
  for (const label of document.querySelectorAll("#parts label")) label.firstChild.value = colours[label.dataset.part];
  $("#save").disabled = $("#reset").disabled = !chosen.palette;
  $("#command").hidden = !chosen.palette;
  const shade = $("#shade").checked ? " --shade" : "";
  $("#command code").textContent = `pmsgan convert FOLDER OUT --style ${chosen.style} --palette palette.toml${shade}`;
}

// What is chosen.

for (const style of server.styles) {
  const label = document.createElement("label");
  const radio = Object.assign(document.createElement("input"), { type: "radio", name: "style", value: style.name });
  radio.checked = style.name === chosen.style;
  radio.addEventListener("change", () => chooseStyle(style.name));
  const title = Object.assign(document.createElement("b"), { textContent: style.name });
  const about = Object.assign(document.createElement("small"), { textContent: `${style.input} → ${style.output}` });
  label.append(radio, title, about);
  $("#styles").append(label);
}

function chooseStyle(name) {
  const parts = styleOf(name).parts;
  chosen.style = name;
  chosen.palette = null;
  $("#palette").hidden = !Object.keys(parts).length;
  $("#layers").hidden = $("#layers").disabled = $("#palette").hidden;
  if ($("#layers").disabled && $("#format").value === "ora") $("#format").value = "png";
  $("#parts").replaceChildren(...Object.keys(parts).map((part) => {
    const label = document.createElement("label");
    label.dataset.part = part;
    const colour = Object.assign(document.createElement("input"), { type: "color", name: part });
    colour.addEventListener("input", () => {
      const old = typeof chosen.palette === "object" ? chosen.palette : null;
      choosePalette({ ...(old ?? parts), [part]: colour.value });
    });
    label.append(colour, part);
    return label;
  }));
  tellPalette();
  pictures.refresh();
}

function choosePalette(palette) {
  chosen.palette = palette;
  if (typeof palette !== "string") tellPalette(); // of a random one the server chooses the colours
  pictures.refresh(palette !== null);
}

$("#surprise").addEventListener("click", () => choosePalette(`random:${crypto.getRandomValues(new Uint32Array(1))[0]}`));
$("#reset").addEventListener("click", () => choosePalette(null));
$("#save").addEventListener("click", () => {
  const lines = Object.entries(chosen.palette).map(([part, colour]) => `${part} = "${colour}"`);
  save(new Blob([`[default]\n${lines.join("\n")}\n`], { type: "application/toml" }), "palette.toml");
});
$("#shade").addEventListener("change", () => { tellPalette(); pictures.refresh(); });
for (const name of ["#size", "#format"]) $(name).addEventListener("change", () => pictures.refresh());

// Pictures come, and results go.

async function add(files) {
  const read = files.filter(({ path }) => server.reads.some((suffix) => path.toLowerCase().endsWith(suffix)));
  const skipped = files.filter((file) => !read.includes(file));
  if (skipped.length) document.body.dataset.leftOut = `${skipped.length} left out`;
  $("#status").title = skipped.map(({ path }) => `${path} is not in a supported format`).join("\n");
  if (!read.length) return tellAll();
  document.body.classList.remove("empty");
  for (const picture of pictures.add(read)) addThumb(picture);
}

function addThumb(picture) {
  const thumb = Object.assign(document.createElement("button"), { type: "button" });
  const image = Object.assign(new Image(), { alt: picture.path, loading: "lazy" });
  thumb.append(image);
  thumb.addEventListener("click", () => pictures.select(picture));
  picture.thumb = thumb;
  $("#strip").append(thumb);
  tellThumb(picture);
  // Some formats are read by the server, not by browsers: these have no slider.
  const probe = new Image();
  probe.onload = () => { picture.size = [probe.naturalWidth, probe.naturalHeight]; pictures.changed(picture); };
  probe.onerror = () => { picture.isUnseen = true; pictures.changed(picture); };
  probe.src = picture.before;
}

$("#files").accept = server.reads.join(",");
for (const name of ["#files", "#folder"]) {
  $(name).addEventListener("change", (event) => { add(named(event.target.files)); event.target.value = ""; });
}
addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  add(await dropped(event.dataTransfer));
});
addEventListener("paste", (event) => add(named(event.clipboardData.files)));
const tellFailure = (work) => work().catch((error) => { $("#status").textContent = error.message; });
$("#download").addEventListener("click", () => tellFailure(async () => {
  const [path, blob] = await pictures.download(pictures.selected);
  save(blob, path.split("/").pop());
}));
$("#all").addEventListener("click", () => tellFailure(async () => {
  const entries = [];
  for (const picture of pictures.all.filter((it) => it.result)) entries.push(await pictures.download(picture));
  save(await zip(distinct(entries)), `${chosen.style}.zip`);
}));

// Keys, where no field has the focus that needs them.

const step = (by) => {
  const next = pictures.all[pictures.all.indexOf(pictures.selected) + by];
  if (!next) return;
  pictures.select(next);
  next.thumb.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (document.activeElement?.closest("#strip")) next.thumb.focus();
};
const keys = {
  "+": () => zoomBy(1.4), "=": () => zoomBy(1.4), "-": () => zoomBy(1 / 1.4), 0: fit, 1: () => zoomTo(1),
  ArrowLeft: () => step(-1), ArrowRight: () => step(1), s: () => $("#surprise").click(), d: () => $("#download").click(),
};
addEventListener("keydown", (event) => {
  const isTaken = event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, dialog");
  if (isTaken || !pictures.selected || !keys[event.key]) return;
  keys[event.key]();
  event.preventDefault();
});
for (const [name, key] of [["#in", "+"], ["#out", "-"], ["#fit", 0], ["#full", 1]]) $(name).addEventListener("click", keys[key]);

chooseStyle(chosen.style);
