const KINDS = { uint8: Uint8Array, float32: Float32Array, int32: Int32Array };

/**
 * Read a container: a head and named arrays, which are views of its bytes.
 *
 * @param {ArrayBuffer} bytes
 * @returns {{head: Object, arrays: Object<string, {data: TypedArray, shape: number[]}>, size: number}}
 */
export function readContainer(bytes) {
  const length = new DataView(bytes).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  const arrays = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(head.arrays)) {
    const count = shape.reduce((product, side) => product * side, 1);
    arrays[name] = { data: new KINDS[dtype](bytes, 4 + length + offset, count), shape };
  }
  return { head, arrays, size: bytes.byteLength };
}

/**
 * Write a container, as the server does.
 *
 * @param {Object} head
 * @param {Object<string, {data: TypedArray, shape: number[]}>} arrays
 * @returns {ArrayBuffer}
 */
export function writeContainer(head, arrays) {
  const dtypes = { Uint8Array: "uint8", Float32Array: "float32", Int32Array: "int32" };
  const entries = {};
  let offset = 0;
  for (const [name, { data, shape }] of Object.entries(arrays)) {
    entries[name] = { dtype: dtypes[data.constructor.name], shape, offset };
    offset += Math.ceil(data.byteLength / 8) * 8;
  }
  const text = new TextEncoder().encode(JSON.stringify({ ...head, arrays: entries }));
  const length = Math.ceil((text.length + 4) / 8) * 8 - 4;
  const bytes = new Uint8Array(4 + length + offset).fill(32, 0, 4 + length);
  new DataView(bytes.buffer).setUint32(0, length, true);
  bytes.set(text, 4);
  for (const [name, { data }] of Object.entries(arrays)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 4 + length + entries[name].offset);
  }
  return bytes.buffer;
}
