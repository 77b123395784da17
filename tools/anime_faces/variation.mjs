/**
 * How one drawing differs from another beyond the parts it is made of: how it lies on the paper, how
 * thick its lines are, and what pencil, paper and light do to the sketch.
 */
import { createHash } from 'node:crypto';

/** Of eight drawings one is left as it is, so that a clean digital sketch stays familiar. */
const CLEAN = 1 / 8;

/**
 * Draw the variation of a seed.
 * @param {number} seed the same seed always gives the same variation
 * @returns what `place` and `scan` need; lengths in units of the 980-unit view, angles in degrees
 */
export function vary(seed) {
  const chance = numbers(`variation ${seed}`);
  const between = (low, high) => low + (high - low) * chance();
  if (chance() < CLEAN) {
    return { turn: 0, scale: 1, x: 0, y: 0, line: 2, ink: 0, paper: 255, shadow: 0, noise: 0, seed };
  }
  return {
    turn: between(-8, 8),
    scale: between(0.85, 1.15),
    x: between(-60, 60),
    y: between(-60, 60),
    line: between(0, 8), // added to every line
    ink: between(0, 70), // grey level of a line
    paper: between(215, 255), // grey level
    shadow: between(0, 0.15), // how much darker one end of the paper is
    light: between(0, 360), // where the shadow lies
    noise: between(0, 0.12),
    seed,
  };
}

/** Return the transform that puts a drawing where `variation` says, in sketch and face alike. */
export function place({ turn, scale, x, y }) {
  return `translate(${x} ${y}) rotate(${turn} 490 490) translate(490 490) scale(${scale}) translate(-490 -490)`;
}

/** Return what lies over the sketch as SVG: uneven light, and the grain of paper and scanner. */
export function scan({ shadow, light, noise, seed }) {
  if (!shadow && !noise) return '';
  const sheet = 'width="980" height="980"';
  return `<defs>
    <linearGradient id="light" gradientTransform="rotate(${light} 0.5 0.5)">
      <stop offset="0" stop-opacity="0"/><stop offset="1" stop-opacity="${shadow}"/>
    </linearGradient>
    <filter id="grain" x="0" y="0" width="1" height="1">
      <feTurbulence type="fractalNoise" baseFrequency="0.3" numOctaves="2" seed="${seed % 65536}"/>
      <feColorMatrix type="matrix" values="4 0 0 0 -1.5  4 0 0 0 -1.5  4 0 0 0 -1.5  0 0 0 0 1"/>
    </filter>
  </defs>
  <rect ${sheet} fill="url(#light)"/><rect ${sheet} fill="black" filter="url(#grain)" opacity="${noise}"/>`;
}

/** Return a function that gives numbers from 0 up to 1, the same ones for the same text. */
function numbers(text) {
  let index = 0;
  return () => {
    index += 1;
    return createHash('sha256').update(`${text} ${index}`).digest().readUInt32BE() / 2 ** 32;
  };
}
