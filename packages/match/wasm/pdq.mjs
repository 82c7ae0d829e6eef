/**
 * PDQ in a browser (or in Node): the same C++ as under Python, with the same bits for the same pixels.
 *
 * ```js
 * const pdq = await Pdq.load(fetch("staydown_match.wasm"));
 * const { hex, quality, trimmed } = pdq.fromRgba(context.getImageData(0, 0, width, height));
 * ```
 *
 * Pixels go in, 32 bytes come out; nothing is kept and nothing is sent. A hash is equal to Python's when the pixels are:
 * give those of the full picture, turned upright, not scaled by the page.
 */

/** A hash: `hex` is PDQ's official text of 64 digits; under `quality` 50 of 100 it says too little to be matched.
 * `orientations` are the texts of the picture in the eight ways to see it, in the order of ORIENTATIONS.
 * @typedef {{ hex: string, quality: number, orientations: string[] }} PdqHash */

/** A picture's hash, and in `trimmed` that of what is left of it without its uniform borders and bars: null when it has
 * none, or when that hash is the same.
 * @typedef {PdqHash & { trimmed: PdqHash | null }} PictureHash */

/** What getImageData gives, or anything of its shape: four bytes a pixel, alpha last and not multiplied in.
 * @typedef {{ data: Uint8Array | Uint8ClampedArray, width: number, height: number }} RgbaPixels */

/** Bytes of pixels, row by row without gaps.
 * @typedef {{ data: Uint8Array | Uint8ClampedArray, width: number, height: number }} Pixels */

/**
 * What the module exports; exports.cpp explains each.
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {(bytes: number) => number} reserve
 * @property {(pixels: number, height: number, width: number, bits: number) => number} pdq_from_rgb
 * @property {(pixels: number, height: number, width: number, bits: number) => number} pdq_from_grey
 * @property {(pixels: number, height: number, width: number, bits: number) => number} pdq_inside_rgb
 * @property {(pixels: number, height: number, width: number, bits: number) => number} pdq_inside_grey
 * @property {() => number} dct_matrix
 */

/** The ways to see a picture: as it is, turned clockwise, mirrored left to right, upside down, at a diagonal. */
export const ORIENTATIONS = Object.freeze([
  "upright",
  "rotated_90",
  "rotated_180",
  "rotated_270",
  "mirrored",
  "flipped",
  "transposed",
  "transversed",
]);

const HASH_BYTES = 32;
const ANSWER_BYTES = HASH_BYTES * (1 + ORIENTATIONS.length);
const NOTHING_TO_CUT = -1;
const MATRIX_FLOATS = 16 * 64;

/** The pixels are not what the method takes; the message says what it takes. */
export class InvalidPixelsError extends Error {
  name = "InvalidPixelsError";
}

/** The picture needs more memory than the page can get. */
export class TooLargeError extends Error {
  name = "TooLargeError";
}

export class Pdq {
  /** @type {WebAssembly.Module} */
  #module;
  /** @type {Exports} */
  #exports;

  /**
   * Use `load`.
   * @param {WebAssembly.Module} module
   */
  constructor(module) {
    this.#module = module;
    this.#exports = instantiate(module);
  }

  /**
   * Load the module from its bytes or from a response of `fetch`.
   * @param {BufferSource | Response | Promise<Response>} source
   * @returns {Promise<Pdq>}
   */
  static async load(source) {
    const given = await source;
    const bytes = given instanceof ArrayBuffer || ArrayBuffer.isView(given) ? given : await given.arrayBuffer();
    return new Pdq(await WebAssembly.compile(bytes));
  }

  /**
   * Hash what a canvas holds. Where it is transparent it is seen over white.
   * @param {RgbaPixels} pixels
   * @returns {PictureHash}
   */
  fromRgba({ data, width, height }) {
    checkPixels(data, width, height, 4);
    return this.#hash("rgb", width, height, 3, (target) => writeOverWhite(data, target));
  }

  /**
   * Hash three bytes a pixel, red first.
   * @param {Pixels} pixels
   * @returns {PictureHash}
   */
  fromRgb({ data, width, height }) {
    checkPixels(data, width, height, 3);
    return this.#hash("rgb", width, height, 3, (target) => target.set(data));
  }

  /**
   * Hash one byte a pixel.
   * @param {Pixels} pixels
   * @returns {PictureHash}
   */
  fromGrey({ data, width, height }) {
    checkPixels(data, width, height, 1);
    return this.#hash("grey", width, height, 1, (target) => target.set(data));
  }

  /**
   * The 16 x 64 cosines that every hash is made with, row by row: equal floats in every build.
   * @returns {Float32Array}
   */
  dctMatrix() {
    return new Float32Array(this.#exports.memory.buffer, this.#exports.dct_matrix(), MATRIX_FLOATS).slice();
  }

  /**
   * @param {"rgb" | "grey"} layout
   * @param {number} width
   * @param {number} height
   * @param {number} channels
   * @param {(target: Uint8Array) => void} writePixels
   * @returns {PictureHash}
   */
  #hash(layout, width, height, channels, writePixels) {
    const size = width * height * channels;
    try {
      const bits = this.#exports.reserve(ANSWER_BYTES + size);
      const pixels = bits + ANSWER_BYTES;
      // The memory's buffer is another one whenever it has grown, so it is asked for each time.
      writePixels(new Uint8Array(this.#exports.memory.buffer, pixels, size));
      const whole = this.#answer(this.#exports[`pdq_from_${layout}`](pixels, height, width, bits), bits);
      const quality = this.#exports[`pdq_inside_${layout}`](pixels, height, width, bits);
      const trimmed = quality === NOTHING_TO_CUT ? null : this.#answer(quality, bits);
      return { ...whole, trimmed: trimmed?.hex === whole.hex ? null : trimmed };
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
      this.#exports = instantiate(this.#module); // one that has trapped is of no more use
      throw new TooLargeError(`${width} x ${height} pixels need more memory than there is`);
    }
  }

  /**
   * @param {number} quality
   * @param {number} bits
   * @returns {PdqHash}
   */
  #answer(quality, bits) {
    const hexAt = (/** @type {number} */ place) =>
      hexOf(new Uint8Array(this.#exports.memory.buffer, bits + place * HASH_BYTES, HASH_BYTES));
    return { hex: hexAt(0), quality, orientations: ORIENTATIONS.map((_, number) => hexAt(number + 1)) };
  }
}

/**
 * @param {WebAssembly.Module} module
 * @returns {Exports}
 */
function instantiate(module) {
  return /** @type {Exports} */ (/** @type {unknown} */ (new WebAssembly.Instance(module).exports));
}

/**
 * @param {Uint8Array | Uint8ClampedArray} data
 * @param {number} width
 * @param {number} height
 * @param {number} channels
 */
function checkPixels(data, width, height, channels) {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new InvalidPixelsError(`width, height: give whole numbers over 0, not ${width} and ${height}`);
  }
  if (data?.length !== width * height * channels) {
    throw new InvalidPixelsError(`data: give ${channels} bytes for each of ${width} x ${height} pixels`);
  }
}

/**
 * Rounds as Python's side does (Pillow's paste), so that transparent pictures have the same hash.
 * @param {Uint8Array | Uint8ClampedArray} rgba
 * @param {Uint8Array} rgb
 */
function writeOverWhite(rgba, rgb) {
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const alpha = rgba[from + 3];
    for (let channel = 0; channel < 3; channel += 1, to += 1) {
      const mixed = rgba[from + channel] * alpha + 255 * (255 - alpha) + 128;
      rgb[to] = (mixed + (mixed >> 8)) >> 8;
    }
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
