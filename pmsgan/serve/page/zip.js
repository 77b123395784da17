// Writes a zip file whose entries are not compressed: pictures are already.
const table = Uint32Array.from({ length: 256 }, (_, number) => {
  for (let bit = 0; bit < 8; bit++) number = number & 1 ? (number >>> 1) ^ 0xedb88320 : number >>> 1;
  return number;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// Little-endian numbers of 2 and 4 bytes, as [size, value] each.
function record(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return view.buffer;
}

const maxBytes = 2 ** 32 - 2 ** 20;
// Takes [name, blob] pairs with different names; returns a blob.
export async function zip(entries) {
  const parts = [];
  const directory = [];
  let offset = 0;
  let listed = 0;
  for (const [name, blob] of entries) {
    const letters = new TextEncoder().encode(name);
    const crc = crc32(new Uint8Array(await blob.arrayBuffer()));
    // Version 2.0, names in UTF-8, stored; 1980-01-01, so that the same pictures give the same file.
    const common = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21], [4, crc], [4, blob.size], [4, blob.size], [2, letters.length], [2, 0]];
    parts.push(record([4, 0x04034b50], ...common), letters, blob);
    const central = record([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]);
    directory.push(central, letters);
    offset += 30 + letters.length + blob.size;
    listed += 46 + letters.length;
    if (offset + listed > maxBytes || entries.length > 65535) throw new Error("the pictures do not fit into one zip file: download them in parts");
  }
  const end = record([4, 0x06054b50], [2, 0], [2, 0], [2, entries.length], [2, entries.length], [4, listed], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
