/**
 * Render pairs of pictures: DIR/sketch/NAME.png and DIR/face/NAME.png, NAME being the seed.
 *
 *     node pairs.mjs --count N --size S --first-seed K --out DIR [--held-out]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Resvg } from '@resvg/resvg-js';

import { drawFace } from './faces.mjs';

const USAGE = `usage: node pairs.mjs --out DIR [--count N] [--size S] [--first-seed K] [--held-out]

  --out DIR        folder that gets sketch/NAME.png and face/NAME.png
  --count N        pairs to render (default 100)
  --size S         side of a picture in pixels (default 256)
  --first-seed K   seed to begin with; each seed always gives the same pair (default 1)
  --held-out       only faces whose combination of hair and eyes is never in a set for training;
                   without it only the others`;

/** Read a whole number from `minimum` up, or end with one line that names the flag. */
function wholeNumber(flag, text, minimum) {
  if (!/^\d+$/.test(text) || Number(text) < minimum || !Number.isSafeInteger(Number(text))) {
    fail(`--${flag} is "${text}": it must be a whole number from ${minimum} up`);
  }
  return Number(text);
}

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(2);
}

/** Read the command line. */
function readFlags() {
  const text = { type: 'string' };
  const options = {
    out: text, count: { ...text, default: '100' }, size: { ...text, default: '256' },
    'first-seed': { ...text, default: '1' }, 'held-out': { type: 'boolean', default: false },
    help: { type: 'boolean' },
  };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    fail(`${error.message}; see --help`);
  }
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (!values.out) fail('--out is missing: name the folder to write to');
  return {
    out: values.out,
    count: wholeNumber('count', values.count, 1),
    size: wholeNumber('size', values.size, 16),
    firstSeed: wholeNumber('first-seed', values['first-seed'], 0),
    heldOut: values['held-out'],
  };
}

/** Rasterise an SVG to a PNG of `size` x `size` pixels. */
function toPng(svg, size) {
  return new Resvg(svg, { fitTo: { mode: 'width', value: size }, font: { loadSystemFonts: false } })
    .render()
    .asPng();
}

function main() {
  const { out, count, size, firstSeed, heldOut } = readFlags();
  for (const folder of ['sketch', 'face']) mkdirSync(join(out, folder), { recursive: true });
  for (let seed = firstSeed, done = 0; done < count; seed += 1) {
    const drawn = drawFace(seed);
    if (drawn.heldOut !== heldOut) continue;
    const name = `${String(seed).padStart(7, '0')}.png`;
    writeFileSync(join(out, 'sketch', name), toPng(drawn.sketch, size));
    writeFileSync(join(out, 'face', name), toPng(drawn.face, size));
    done += 1;
    if (done % 500 === 0 || done === count) process.stderr.write(`\r${done} of ${count} pairs`);
  }
  process.stderr.write('\n');
}

main();
