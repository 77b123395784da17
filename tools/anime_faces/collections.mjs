/**
 * The DiceBear collections that are drawn, and which part each colour of their drawings stands for.
 *
 * `combination` names the two components whose combinations are trained on or held out, `options` are the
 * collection's own, `filledBlack` the options that get another part where black areas stay black.
 * `paint` goes from component, to colour in the drawing, to part. A colour is the original's, the part
 * that the collection's own option gave it, or 'shade': whatever is translucent, black or white. The
 * component '*' is for all that no other names; 'head hijab' is one variant of a component, 'stroke mouth'
 * a colour where it is a stroke's. 'line' stays black, 'none' is not drawn.
 */

import { notionists, openPeeps } from '@dicebear/collection';

/** Wide areas of the colour are this part, narrow ones are lines. */
const wide = (part) => ({ wide: part });

/** The part's colour with a black outline: a shadow that says where a nose or an ear is. */
const outlined = (part) => ({ outlined: part });

/** Hair or a hat that is drawn in lines alone; its shapes are filled with the part's colour. */
const filled = (part) => ({ inside: part, hair: 'line' });

const LINES = { '#000000': 'line', shade: 'none' };

/** A collection's variants of a component, but for one. */
const without = (style, component, variant) =>
  style.schema.properties[component].default.filter((other) => other !== variant);

const CROODLES = {
  hat: ['variant20', 'variant21', 'variant22', 'variant23', 'variant24', 'variant25'],
  hair: [
    'variant01', 'variant04', 'variant05', 'variant08', 'variant15', 'variant18', 'variant19', 'variant29',
  ],
  stubble: ['variant03', 'variant06', 'variant09'],
};

export const COLLECTIONS = {
  lorelei: {
    package: 'lorelei',
    combination: ['hair', 'eyes'],
    filledBlack: { hairColor: 'line' },
    options: {
      glassesProbability: 25, beardProbability: 8, earringsProbability: 20, hairAccessoriesProbability: 12,
      frecklesProbability: 10, mouthColor: ['000000'], glassesColor: ['000000'],
    },
    paint: {
      '*': { ...LINES, '#ffffff': 'white' },
      beard: { hair: 'beard' },
      glasses: { '#000000': wide('glasses') },
      hairAccessories: { '#ffffff': 'hat', glasses: 'line' },
    },
  },
  notionists: {
    package: 'notionists',
    combination: ['hair', 'brows'],
    options: {
      hair: without(notionists, 'hair', 'variant42'), // white hair, which is not filled
      gestureProbability: 0, beardProbability: 25, bodyIconProbability: 30, glassesProbability: 30,
    },
    paint: {
      '*': { ...LINES, '#ffffff': 'skin' },
      hair: { '#000000': wide('hair'), '#ffffff': 'hat' },
      'hair hat': { '#000000': wide('hat') },
      'hair variant26': { '#ffffff': 'hair' },
      'hair variant32': { '#ffffff': 'hair' },
      'hair variant61': { '#000000': wide('hat') },
      'hair variant62': { '#000000': wide('hat') },
      'hair variant63': { '#000000': wide('hat') },
      beard: { '#000000': wide('beard') },
      body: { '#000000': wide('clothes'), '#ffffff': wide('clothes') },
      bodyIcon: { '#ffffff': wide('clothes') },
      glasses: { '#000000': wide('glasses'), '#ffffff': 'white' },
      lips: { '#ffffff': 'white' },
    },
  },
  openPeeps: {
    package: 'open-peeps',
    combination: ['head', 'face'],
    options: {
      head: without(openPeeps, 'head', 'bear'),
      maskProbability: 0, facialHairProbability: 25, accessoriesProbability: 25,
    },
    paint: {
      '*': { ...LINES, '#ffffff': 'white', '#22252b': 'line', '#231f20': 'line' },
      head: { '#000000': wide('hair'), clothes: 'hat' },
      'head hatHip': { '#000000': wide('hat') },
      'head hijab': { '#000000': wide('hat') },
      'head turban': { '#000000': wide('hat') },
      face: { '#ff8181': 'mouth', '#ff6c6c': 'mouth' },
      facialHair: { '#000000': wide('beard'), hair: 'beard' },
      accessories: { '#000000': wide('glasses') },
    },
  },
  adventurer: {
    package: 'adventurer',
    combination: ['hair', 'eyes'],
    options: { glassesProbability: 30, earringsProbability: 20, featuresProbability: 15 },
    paint: {
      '*': { ...LINES, '#ffffff': 'white' },
      earrings: { '#ffffff': 'glasses' },
      features: { '#ca8d87': 'none', '#7a624e': 'beard' },
      glasses: { '#ffffff': 'none' },
      hair: {
        '#ffffff': 'hat', '#f0df83': 'hat', '#a0cc59': 'hat', '#e67e5e': 'hat',
        '#e57e5e': 'hat', '#c0aceb': 'hat',
      },
      mouth: {
        '#8f2e45': 'mouth', '#d31e1e': 'mouth', '#ea869e': 'mouth', '#d32020': 'mouth', '#6fa942': 'none',
      },
    },
  },
  bigSmile: {
    package: 'big-smile',
    combination: ['hair', 'mouth'],
    options: {
      accessories: ['catEars', 'glasses', 'sailormoonCrown', 'sunglasses', 'mustache'],
      accessoriesProbability: 40,
    },
    paint: {
      '*': { ...LINES, '#ffffff': 'white', '#dc2400': 'none' },
      accessories: {
        '#a09b9b': 'hat', '#c4c4c4': 'hat', '#feb3a4': 'hat', '#ffe7e2': 'hat',
        '#896307': 'line', '#c5900f': 'line',
        '#ffc00c': 'glasses', '#ffd45b': 'glasses', '#ff3c15': 'glasses', '#cb1414': 'glasses',
        '#ff7256': 'glasses', '#595757': 'glasses',
        '#71472d': 'beard', '#5e351b': 'beard',
      },
      eyes: { '#2a1200': 'line', '#71472d': 'beard' },
      hair: { '#220f01': 'hair', '#351700': 'hair', '#ffffff': 'none' },
      mouth: {
        '#873c41': 'mouth', '#ee7e8b': 'mouth', '#592125': 'line',
        '#d1d3d4': 'line', '#c4c4c4': 'none', '#a09e9e': 'line',
      },
    },
  },
  toonHead: {
    package: 'toon-head',
    combination: ['hair', 'eyes'],
    options: { beardProbability: 35 },
    paint: {
      '*': LINES,
      beard: { hair: 'beard' },
      clothes: { '#cbecf7': 'clothes' },
      eyebrows: { hair: 'beard' },
      eyes: { '#4b2422': 'line', '#f6f1e4': 'white' },
      mouth: { '#611519': 'mouth', '#e0564b': 'mouth', '#3f2626': 'none', '#f6f1e4': 'white' },
    },
  },
  croodles: {
    package: 'croodles',
    combination: ['top', 'eyes'],
    options: {
      // Without those whose strands cannot be filled.
      top: [...CROODLES.hat, ...CROODLES.hair, ...CROODLES.stubble],
      beardProbability: 15, mustacheProbability: 15,
    },
    paint: {
      '*': LINES,
      top: { hair: 'line' },
      ...Object.fromEntries(CROODLES.hat.map((variant) => [`top ${variant}`, filled('hat')])),
      ...Object.fromEntries(CROODLES.hair.map((variant) => [`top ${variant}`, filled('hair')])),
    },
  },
  dylan: {
    package: 'dylan',
    combination: ['hair', 'mood'],
    filledBlack: { hairColor: 'line' },
    options: {},
    paint: { '*': LINES, mood: { '#ffffff': 'white' } },
  },
  bigEars: {
    package: 'big-ears',
    combination: ['hair', 'eyes'],
    options: {},
    paint: {
      '*': { ...LINES, '#ffffff': 'white' },
      cheek: { '#ffc6c6': 'none', '#f88888': 'none' },
      ear: { shade: outlined('skin') },
      eyes: {
        '#161616': 'line', '#757575': 'eyes', '#ffebb7': 'white', '#cd9166': 'skin', '#403e3e': 'line',
      },
      mouth: { '#de8383': 'mouth', '#c06e6e': 'mouth', '#f9f9f9': 'white' },
      nose: { shade: outlined('skin') },
    },
  },
  micah: {
    package: 'micah',
    combination: ['hair', 'mouth'],
    options: { facialHairProbability: 20 },
    paint: {
      '*': { ...LINES, '#ffffff': 'white', '#fcfdff': 'none' },
      earrings: { 'stroke glasses': 'line' },
      glasses: { 'stroke glasses': 'line' },
      hair: { 'stroke hair': 'line' },
      'hair turban': { hair: 'hat' },
      mouth: { 'stroke mouth': 'line', '#fc909f': 'mouth', '#ffffff': 'white' },
      shirt: { '#ffffff': 'clothes' },
    },
  },
  personas: {
    package: 'personas',
    combination: ['hair', 'eyes'],
    options: {
      hair: [
        'long', 'sideShave', 'shortCombover', 'curlyHighTop', 'bobCut', 'curly', 'pigtails', 'curlyBun', 'buzzcut',
        'bobBangs', 'bald', 'balding', 'cap', 'bunUndercut', 'beanie', 'straightBun', 'extraLong',
        'shortComboverChops', 'mohawk',
      ],
      mouth: ['smile', 'frown', 'surprise', 'bigSmile', 'smirk', 'lips'],
      facialHair: ['beardMustache', 'pyramid', 'walrus', 'goatee', 'soulPatch'],
      facialHairProbability: 20,
    },
    paint: {
      '*': { ...LINES, '#ffffff': 'none', '#1b0640': 'line' },
      hair: { '#f55d81': 'hat', '#f29c65': 'hat', '#e15c66': 'hat', '#5a45ff': 'hat', '#000000': 'none' },
      mouth: { '#dc5c7a': 'mouth', '#f57b98': 'mouth', '#ffffff': 'white' },
      facialHair: { hair: 'beard', '#fffefd': 'white' },
      nose: { shade: 'line' },
    },
  },
};

/** Collections that are never trained on. */
export const UNSEEN = ['micah', 'personas'];
