// Shows a picture and its result with a slider between them; zooms and moves both together.
const $ = (name) => document.querySelector(name);
const view = $("#view"), slider = $("#slider");
const images = [$("#after"), $("#before")];
const near = 28; // pixels from the divider in which it is taken
let size = [1, 1]; // width and height of the result
let place = { x: 0, y: 0, scale: 1 };
let isFitted = true;

const fitScale = () => Math.min(view.clientWidth / size[0], view.clientHeight / size[1], 6);

function draw() {
  const low = fitScale();
  if (isFitted) place.scale = low;
  place.scale = Math.min(Math.max(place.scale, Math.min(low, 0.05)), 32);
  const held = (value, outer, inner) => inner <= outer ? (outer - inner) / 2 : Math.min(0, Math.max(outer - inner, value));
  place.x = held(place.x, view.clientWidth, size[0] * place.scale);
  place.y = held(place.y, view.clientHeight, size[1] * place.scale);
  for (const image of images) {
    image.style.width = `${size[0]}px`;
    image.style.height = `${size[1]}px`;
    image.style.transform = `translate(${place.x}px, ${place.y}px) scale(${place.scale})`;
    image.classList.toggle("sharp", place.scale * devicePixelRatio >= 4);
  }
  view.classList.toggle("zoomed", place.scale > low * 1.01);
  // The divider's 0 and 100 % are the edges of what is seen of the picture.
  const left = Math.max(0, place.x), right = Math.min(view.clientWidth, place.x + size[0] * place.scale);
  view.style.setProperty("--at", `${left + (right - left) * slider.value / 100}px`);
}

// `before` and `after` are URLs; without one of them there is no slider.
export function show(before, after, width, height) {
  const isOther = width * size[1] !== height * size[0];
  if (isOther) isFitted = true;
  else if (width !== size[0]) place.scale *= size[0] / width;
  size = [width || 1, height || 1];
  for (const [image, url] of [[images[0], after], [images[1], before]]) {
    if (!url) image.removeAttribute("src");
    else if (image.src !== url) image.src = url;
  }
  view.classList.toggle("plain", !before || !after);
  draw();
}

export const fit = () => zoomTo(0);

export function zoomTo(scale, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const factor = scale / place.scale;
  place = { x: x - (x - place.x) * factor, y: y - (y - place.y) * factor, scale };
  isFitted = scale <= fitScale() * 1.001;
  draw();
}

export const zoomBy = (factor, x, y) => zoomTo(place.scale * factor, x, y);
export const isZoomed = () => view.classList.contains("zoomed");

function at(event) {
  const box = view.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function slide(x) {
  const left = Math.max(0, place.x), right = Math.min(view.clientWidth, place.x + size[0] * place.scale);
  slider.value = 100 * (x - left) / Math.max(1, right - left);
  draw();
}

const pointers = new Map();
let isSliding = false;

view.addEventListener("pointerdown", (event) => {
  if (event.target.closest("button, p") || event.button > 0) return;
  view.setPointerCapture(event.pointerId);
  const [x, y] = at(event);
  pointers.set(event.pointerId, [x, y]);
  const divider = parseFloat(view.style.getPropertyValue("--at"));
  isSliding = pointers.size === 1 && !view.classList.contains("plain") && (!isZoomed() || Math.abs(x - divider) < near);
  if (isSliding) slide(x);
});

view.addEventListener("pointermove", (event) => {
  const old = pointers.get(event.pointerId);
  if (!old) return;
  const [x, y] = at(event);
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, [x, y]);
  if (isSliding) return slide(x);
  place.x += (x - old[0]) / pointers.size;
  place.y += (y - old[1]) / pointers.size;
  if (!other) return draw();
  const apart = ([a, b]) => Math.hypot(a - other[0], b - other[1]);
  zoomBy(apart([x, y]) / Math.max(1, apart(old)), (x + other[0]) / 2, (y + other[1]) / 2);
});

for (const name of ["pointerup", "pointercancel"]) {
  view.addEventListener(name, (event) => pointers.delete(event.pointerId));
}

view.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), ...at(event));
}, { passive: false });

view.addEventListener("dblclick", (event) => {
  if (event.target.closest("button")) return;
  if (isZoomed()) fit();
  else zoomTo(Math.max(1, fitScale() * 2.5), ...at(event));
});

slider.addEventListener("input", draw);
new ResizeObserver(draw).observe(view);
