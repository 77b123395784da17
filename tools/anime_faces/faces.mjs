/**
 * One Lorelei face, drawn twice: in colour and as a line sketch.
 *
 * Every colour follows from what the sketch shows, so that a network can learn it.
 */
import { createHash } from 'node:crypto';

import { lorelei } from '@dicebear/collection';
import { createAvatar } from '@dicebear/core';

/** Lorelei's 48 hair variants by what their outline shows, with one colour for each class.
 * Left out: bald and nearly bald heads (25, 28, 34) and shapes between two classes (20, 27, 37). */
export const HAIR_CLASSES = {
  short: { color: '#34539b', variants: [1, 2, 3, 4, 6, 7, 8, 11, 12, 43, 47] },
  long: { color: '#f07fa3', variants: [10, 13, 15, 16, 17, 19, 21, 23, 40] },
  tied: { color: '#f4c24d', variants: [14, 26, 29, 30, 31, 33, 36, 38, 41, 42, 45, 46, 48] },
  curly: { color: '#9c3f2b', variants: [5, 9, 18, 22, 24, 32, 35, 39, 44] },
};

/** Whoever wears glasses has the darker skin. */
const SKIN = { plain: '#ffdfca', glasses: '#d99a6c' };
const EYES = '#1d6a72';
const MOUTH = '#b8323f';
const BACKGROUND = '#d9e8f4';
const LINE = '#000000';

/** Lorelei draws hair without an outline; this one is given to it, in units of the 980-unit view. */
const OUTLINE = `stroke="${LINE}" stroke-width="9" stroke-linejoin="round"`;

/** Colours that stand for a part in Lorelei's SVG until the real ones are put in. */
const MARKS = { hair: '#fe0101', skin: '#01fe01', eyes: '#fe01fe', mouth: '#fefe01' };

const variant = (number) => `variant${String(number).padStart(2, '0')}`;

/**
 * Draw the face of a seed.
 * @param {number} seed the same seed always gives the same face
 * @returns {{parts: string, hairClass: string, sketch: string, face: string}} which parts it is
 *   made of, the class of its hair, and the two pictures as SVG
 */
export function drawFace(seed) {
  const avatar = createAvatar(lorelei, {
    // Hashed, since neighbouring seeds would give neighbouring hair.
    seed: createHash('sha256').update(String(seed)).digest('hex'),
    hair: Object.values(HAIR_CLASSES).flatMap(({ variants }) => variants.map(variant)),
    hairColor: [MARKS.hair.slice(1)],
    skinColor: [MARKS.skin.slice(1)],
    eyesColor: [MARKS.eyes.slice(1)],
    mouthColor: [MARKS.mouth.slice(1)],
    hairAccessoriesProbability: 12,
    glassesProbability: 30,
    frecklesProbability: 10,
    earringsProbability: 25,
    beardProbability: 0,
  });
  const { extra } = avatar.toJson();
  const hair = Number(extra.hair.slice('variant'.length));
  const [hairClass, { color }] = Object.entries(HAIR_CLASSES).find(([, { variants }]) =>
    variants.includes(hair),
  );
  const svg = avatar.toString();
  const skin = extra.glasses ? SKIN.glasses : SKIN.plain;
  return {
    parts: JSON.stringify(extra),
    hairClass,
    sketch: paint(svg, '#ffffff', {
      hair: '#ffffff', skin: '#ffffff', eyes: LINE, mouth: LINE,
    }),
    face: paint(svg, BACKGROUND, {
      hair: color, skin, eyes: EYES, mouth: MOUTH,
    }),
  };
}

/** Put a background and the real colours into Lorelei's SVG, and an outline around the hair. */
function paint(svg, background, colors) {
  let painted = svg.replace(/^(<svg[^>]*>)/, `$1<rect width="980" height="980" fill="${background}"/>`);
  for (const [part, mark] of Object.entries(MARKS)) {
    const outline = part === 'hair' ? ` ${OUTLINE}` : '';
    painted = painted.replaceAll(`fill="${mark}"`, `fill="${colors[part]}"${outline}`);
  }
  return painted;
}
