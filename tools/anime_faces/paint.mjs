/**
 * Gives the SVG of a collection its parts' colours: one tag after another, by the component it lies in.
 */
import { readFileSync } from 'node:fs';

import { COLLECTIONS } from './collections.mjs';

/** Colour of each part. */
export const PALETTE = JSON.parse(readFileSync(new URL('palette.json', import.meta.url), 'utf8'));
export const LINE = '#000000';

/** What is less opaque than this is a shade. */
const OPAQUE = 0.6;

/** Width of an outline that a part gets, and of lines that have none, as a share of the picture's side. */
const OUTLINE = 3 / 512;

const PARTS = Object.fromEntries(Object.entries(PALETTE).map(([part, color]) => [color, part]));

/** Return the colour of a part or of lines. */
export const colorOf = (part) => (part === 'line' ? LINE : PALETTE[part]);

/** Let each component of the collections say its name: <g data-component="hair" ...>. */
export async function nameComponents() {
  for (const { package: name } of Object.values(COLLECTIONS)) {
    const components = await import(`./node_modules/@dicebear/${name}/lib/components/index.js`);
    for (const [component, variants] of Object.entries(components)) {
      for (const [variant, draw] of Object.entries(variants)) {
        variants[variant] = (...given) =>
          `<g data-component="${component}" data-variant="${variant}">${draw(...given)}</g>`;
      }
    }
  }
}

/**
 * Paint the drawing of a collection.
 * @param {string} svg the drawing, its components named
 * @param {string} name of the collection
 * @param {boolean} asDrawn whether areas filled with black stay black
 * @returns {{svg: string, marks: Map<string, string>}} the drawing in parts' colours, and the part of each
 *   mark: a colour that is the part's where it is wide, and a line's where it is narrow
 */
export function paint(svg, name, asDrawn) {
  const { paint: rules } = COLLECTIONS[name];
  const width = `stroke-width="${OUTLINE * Number(svg.match(/viewBox="0 0 (\d+)/)[1])}"`;
  const marks = new Map();
  const open = [{ component: '*', variant: '', faint: false, mask: false, hasWidth: false }];

  /** Return what a colour becomes, as an attribute. */
  function recolor(attribute, original, { component, variant, faint, hasWidth }) {
    const color = longHex(original);
    const part = PARTS[color];
    const keys = faint && attribute === 'fill' && !part ? ['shade'] : [`${attribute} ${part}`, color, part];
    const tables = [rules[`${component} ${variant}`], rules[component], rules['*']];
    const rule = tables.flatMap((table) => keys.map((key) => table?.[key])).find(Boolean) ?? part;
    if (!rule) throw new Error(`${name}: no part is named for ${keys} in ${component} ${variant}`);
    if (rule.outlined) return `fill="${colorOf(rule.outlined)}" stroke="${LINE}" ${width}`;
    if (rule.wide && !asDrawn) return `${attribute}="${markOf(color, rule.wide)}"`;
    if (rule.wide) return `${attribute}="${color === LINE ? LINE : colorOf(rule.wide)}"`;
    const thin = attribute === 'stroke' && !hasWidth;
    return `${attribute}="${rule === 'none' ? 'none' : colorOf(rule)}"${thin ? ` ${width}` : ''}`;
  }

  function markOf(color, part) {
    const number = Object.keys(PALETTE).indexOf(part).toString(16).padStart(2, '0');
    const mark = `#01${color.slice(1, 3)}${number}`;
    marks.set(mark, part);
    return mark;
  }

  const painted = svg.replaceAll(/<(\/?)([\w:]+)((?:\s[^<>]*?)?)(\/?)>/g, (tag, end, element, attributes, empty) => {
    if (end) {
      open.pop();
      return tag;
    }
    const above = open.at(-1);
    const [, component, variant] = attributes.match(/ data-component="(\w+)" data-variant="(\w+)"/) ?? [];
    const opacity = Number(attributes.match(/ (?:fill-)?opacity="([\d.]+)"/)?.[1] ?? 1);
    const here = {
      component: component ?? above.component,
      variant: variant ?? above.variant,
      faint: above.faint || opacity < OPAQUE || attributes.includes('mix-blend-mode'),
      mask: above.mask || element === 'mask',
      hasWidth: above.hasWidth || attributes.includes('stroke-width'),
    };
    if (!empty) open.push(here);
    if (here.mask) return tag;
    const recolored = attributes
      .replaceAll(/ (?:fill-|stroke-)?opacity="[\d.]+"| style="mix-blend-mode:\w+"/g, '')
      .replaceAll(/(fill|stroke)="(#\w+|black|white)"/g, (_, attribute, color) => recolor(attribute, color, here));
    const inside = component && rules[`${component} ${variant}`]?.inside;
    return `<${element}${recolored}${inside ? ` fill="${colorOf(inside)}"` : ''}${empty}>`;
  });
  return { svg: painted, marks };
}

/** Write a colour as #rrggbb. */
function longHex(color) {
  if (color === 'black') return '#000000';
  if (color === 'white') return '#ffffff';
  const digits = color.slice(1).toLowerCase();
  return `#${digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits}`;
}
