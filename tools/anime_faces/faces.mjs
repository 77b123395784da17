/**
 * One Lorelei face, drawn twice: in colour and as a line sketch on paper.
 *
 * Every colour follows from what the sketch shows, so that a network can learn it.
 */
import { createHash } from 'node:crypto';

import { lorelei } from '@dicebear/collection';
import { createAvatar } from '@dicebear/core';

import { place, scan, vary } from './variation.mjs';

/** Lorelei's 48 hair variants by what their outline shows, with one colour for each class.
 * Left out: bald and nearly bald heads (25, 28, 34), shapes between two classes (20, 27, 37), and a
 * stray dot (1). */
export const HAIR_CLASSES = {
  short: { color: '#34539b', variants: [2, 3, 4, 6, 7, 8, 11, 12, 43, 47] },
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

/** Lorelei draws hair without an outline; it is given one of this width, in units of the 980-unit view. */
const OUTLINE = 7;

/** Of a hundred combinations of hair and eyes so many are for held-out pairs, never for training. */
const HELD_OUT_PERCENT = 10;

/** Colours that stand for a part in Lorelei's SVG until the real ones are put in. */
const MARKS = { hair: '#fe0101', skin: '#01fe01', eyes: '#fe01fe', mouth: '#fefe01' };

const variant = (number) => `variant${String(number).padStart(2, '0')}`;

/**
 * Draw the face of a seed.
 * @param {number} seed the same seed always gives the same face
 * @returns {{heldOut: boolean, hairClass: string, sketch: string, face: string}} whether its hair and
 *   eyes are a combination that is held out, the class of its hair, and the two pictures as SVG
 */
export function drawFace(seed) {
  const avatar = createAvatar(lorelei, {
    // Hashed, since neighbouring seeds would give neighbouring hair.
    seed: digest(String(seed)).toString('hex'),
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
  const variation = vary(seed);
  const paper = grey(variation.paper);
  const ink = grey(variation.ink);
  return {
    heldOut: digest(`${extra.hair} ${extra.eyes}`).readUInt32BE() % 100 < HELD_OUT_PERCENT,
    hairClass,
    sketch: paint(svg, variation, {
      background: paper, white: paper, line: ink, hair: paper, skin: paper, eyes: ink, mouth: ink,
    }).replace(/<\/svg>$/, `${scan(variation)}</svg>`),
    face: paint(svg, variation, {
      background: BACKGROUND, white: '#ffffff', line: LINE, hair: color, skin, eyes: EYES, mouth: MOUTH,
    }),
  };
}

/** Return Lorelei's SVG in these colours, with an outline around the hair, where `variation` puts it. */
function paint(svg, variation, { background, white, line, ...colors }) {
  const pen = (width) => `stroke="${line}" stroke-width="${width}" stroke-linejoin="round"`;
  let painted = svg
    .replace(/<mask id="viewboxMask">.*?<\/mask><g mask="[^"]*">/, `<g transform="${place(variation)}">`)
    .replaceAll(/fill="#fff(fff)?"/g, `fill="${white}"`)
    .replace(/^(<svg[^>]*>)/, `$1<rect width="980" height="980" fill="${background}"/>`)
    .replaceAll(/fill="#000(000)?"/g, `fill="${line}" ${pen(variation.line)}`);
  for (const [part, mark] of Object.entries(MARKS)) {
    const outline = part === 'hair' ? ` ${pen(OUTLINE + variation.line)}` : '';
    painted = painted.replaceAll(`fill="${mark}"`, `fill="${colors[part]}"${outline}`);
  }
  return painted;
}

const digest = (text) => createHash('sha256').update(text).digest();

const grey = (level) => `#${Math.round(level).toString(16).padStart(2, '0').repeat(3)}`;
