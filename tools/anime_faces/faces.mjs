/**
 * One face of a DiceBear collection in flat colours: each part has one colour by what it is.
 */
import { createHash } from 'node:crypto';

import * as dicebear from '@dicebear/collection';
import { createAvatar } from '@dicebear/core';
import sharp from 'sharp';

import { COLLECTIONS } from './collections.mjs';
import { colorOf, LINE, nameComponents, paint } from './paint.mjs';

/** Part of each option of a collection that takes a colour. */
const OPTIONS = {
  backgroundColor: 'ground',
  skinColor: 'skin', baseColor: 'skin',
  hairColor: 'hair', topColor: 'hair', headContrastColor: 'hair', facialHairColor: 'beard',
  clothesColor: 'clothes', clothingColor: 'clothes', shirtColor: 'clothes',
  glassesColor: 'glasses', earringColor: 'glasses', earringsColor: 'glasses', hairAccessoriesColor: 'glasses',
  mouthColor: 'mouth', eyeShadowColor: 'white',
  eyesColor: 'line', eyebrowsColor: 'line', noseColor: 'line', frecklesColor: 'line',
};

/** Licences that allow training, and sharing what came of it. */
const LICENCES = ['CC0 1.0', 'CC BY 4.0'];

/** Of a hundred combinations so many are held out, never for training. */
const HELD_OUT_PERCENT = 10;

/** Of a hundred drawings so many keep areas filled with black. */
const AS_DRAWN_PERCENT = 33;

/** Half the width of the widest line, as a share of the picture's side; wider black areas are a part. */
const LINE_REACH = 8 / 512;

/** How far a wide area reaches into what is narrow: the tips of hair. */
const TIP_REACH = 7 / 512;

await nameComponents();

/**
 * Draw the face of a seed.
 * @param {string} name of the collection
 * @param {number} seed the same seed always gives the same face
 * @returns {{heldOut: boolean, asDrawn: boolean, svg: string, marks: Map<string, string>}} whether it is a
 *   combination of parts that is held out; whether black areas stay black; what `paint` gave
 */
export function drawFace(name, seed) {
  const { combination, options, filledBlack } = COLLECTIONS[name];
  const style = dicebear[name];
  if (!LICENCES.includes(style.meta.license.name)) {
    throw new Error(`${name} is under ${style.meta.license.name}, not under ${LICENCES.join(' or ')}`);
  }
  const asDrawn = number(`black ${name} ${seed}`) % 100 < AS_DRAWN_PERCENT;
  const parts = { ...OPTIONS, ...(asDrawn ? filledBlack : {}) };
  const avatar = createAvatar(style, {
    // Hashed, since neighbouring seeds would give neighbouring hair.
    seed: digest(`${name} ${seed}`).toString('hex'),
    ...Object.fromEntries(Object.entries(parts).map(([option, part]) => [option, [colorOf(part).slice(1)]])),
    ...options,
  });
  const { extra } = avatar.toJson();
  const combined = combination.map((component) => extra[component]).join(' ');
  return {
    heldOut: number(`${name} ${combined}`) % 100 < HELD_OUT_PERCENT,
    ...paint(avatar.toString(), name, asDrawn),
  };
}

/**
 * Rasterise a face.
 * @param {{svg: string, marks: Map<string, string>}} face
 * @param {number} size side of the picture in pixels
 * @returns {Promise<Buffer>} the PNG: RGB, opaque, without colours between those of two parts
 */
export async function toPng({ svg, marks }, size) {
  const crisp = svg.replace('shape-rendering="auto"', 'shape-rendering="crispEdges"');
  const { data } = await sharp(Buffer.from(crisp))
    .resize(size, size)
    .flatten()
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (const [mark, part] of marks) settleMark(data, size, mark, colorOf(part));
  return sharp(data, { raw: { width: size, height: size, channels: 3 } })
    .png({ compressionLevel: 9, adaptiveFiltering: false })
    .toBuffer();
}

/** Give what is marked the part's colour where it is wide, and a line's where it is narrow. */
function settleMark(data, size, mark, color) {
  const [red, green, blue] = bytes(mark);
  const marked = new Uint8Array(size * size);
  for (let at = 0; at < marked.length; at += 1) {
    marked[at] = data[3 * at] === red && data[3 * at + 1] === green && data[3 * at + 2] === blue ? 1 : 0;
  }
  const core = spread(marked, size, Math.round(LINE_REACH * size), 0);
  const wide = spread(core, size, Math.round((LINE_REACH + TIP_REACH) * size), 1);
  for (let at = 0; at < marked.length; at += 1) {
    if (marked[at]) data.set(bytes(wide[at] ? color : LINE), 3 * at);
  }
}

/** Let `value` spread over a square of `reach` pixels either way: 0 erodes a mask, 1 dilates it. */
function spread(mask, size, reach, value) {
  const along = (from, step, stride) => {
    const to = from.slice();
    for (let line = 0; line < size; line += 1) {
      for (let place = 0, last = -Infinity, next = -1; place < size; place += 1) {
        const at = line * stride + place * step;
        if (from[at] === value) last = place;
        if (next < place) {
          next = place;
          while (next < size && from[line * stride + next * step] !== value) next += 1;
        }
        if (place - last <= reach || next - place <= reach) to[at] = value;
      }
    }
    return to;
  };
  return along(along(mask, 1, size), size, 1);
}

const bytes = (color) => Buffer.from(color.slice(1), 'hex');
const digest = (text) => createHash('sha256').update(text).digest();
const number = (text) => digest(text).readUInt32BE();
