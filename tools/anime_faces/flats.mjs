/**
 * Render faces in flat colours: DIR/COLLECTION_SEED.png.
 *
 *     node flats.mjs --set train|known|unseen --count N --out DIR
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { COLLECTIONS, UNSEEN } from './collections.mjs';
import { drawFace, toPng } from './faces.mjs';

const USAGE = `usage: node flats.mjs --out DIR [--set train|known|unseen] [--count N]
                      [--collections NAME,...] [--first-seed K] [--size S]

  --out DIR            folder that gets COLLECTION_SEED.png
  --set S              train: known hands, to train on (default); known: known hands, combinations of parts
                       that are never trained on; unseen: hands that are never trained on
  --count N            pictures to render, the same number of each collection (default 100)
  --collections NAMES  only these of the set's
  --first-seed K       seed to begin with; each seed always gives the same face (default 1)
  --size S             side of a picture in pixels (default 512)`;

const SETS = ['train', 'known', 'unseen'];

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
    out: text, set: { ...text, default: 'train' }, count: { ...text, default: '100' }, collections: text,
    'first-seed': { ...text, default: '1' }, size: { ...text, default: '512' }, help: { type: 'boolean' },
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
  if (!SETS.includes(values.set)) fail(`--set is "${values.set}": it must be ${SETS.join(', ')}`);
  const hands = Object.keys(COLLECTIONS).filter((name) => UNSEEN.includes(name) === (values.set === 'unseen'));
  const chosen = values.collections?.split(',') ?? hands;
  for (const name of chosen) {
    if (!hands.includes(name)) fail(`--collections: the set ${values.set} has ${hands.join(', ')}, not "${name}"`);
  }
  return {
    out: values.out,
    heldOut: { train: false, known: true, unseen: undefined }[values.set],
    collections: chosen,
    count: wholeNumber('count', values.count, 1),
    firstSeed: wholeNumber('first-seed', values['first-seed'], 0),
    size: wholeNumber('size', values.size, 16),
  };
}

async function main() {
  const { out, heldOut, collections, count, firstSeed, size } = readFlags();
  mkdirSync(out, { recursive: true });
  const seeds = Object.fromEntries(collections.map((name) => [name, firstSeed]));
  for (let done = 0; done < count; ) {
    const name = collections[done % collections.length];
    const seed = seeds[name]++;
    const face = drawFace(name, seed);
    if (heldOut !== undefined && face.heldOut !== heldOut) continue;
    writeFileSync(join(out, `${name}_${String(seed).padStart(7, '0')}.png`), await toPng(face, size));
    done += 1;
    if (done % 100 === 0 || done === count) process.stderr.write(`\r${done} of ${count} pictures`);
  }
  process.stderr.write('\n');
}

await main();
