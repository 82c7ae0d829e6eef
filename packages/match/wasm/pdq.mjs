/**
 * PDQ in a browser (or in Node): the same C++ as under Python, with the same bits for the same pixels.
 *
 * ```js
 * const pdq = await Pdq.load(fetch("staydown_match.wasm"));
 * const { hex, quality } = pdq.fromRgba(context.getImageData(0, 0, width, height));
 * ```
 *
 * Pixels go in, 32 bytes come out; nothing is kept and nothing is sent. A hash is equal to Python's when the pixels are:
 * give those of the full picture, turned upright, not scaled by the page.
 */

/** A hash: `hex` is PDQ's official text of 64 digits; under `quality` 50 of 100 it says too little to be matched.
 * @typedef {{ hex: string, quality: number }} PdqHash */

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
 * @property {() => number} dct_matrix
 */

const HASH_BYTES = 32;
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
   * @returns {PdqHash}
   */
  fromRgba({ data, width, height }) {
    checkPixels(data, width, height, 4);
    return this.#hash("pdq_from_rgb", width, height, 3, (target) => writeOverWhite(data, target));
  }

  /**
   * Hash three bytes a pixel, red first.
   * @param {Pixels} pixels
   * @returns {PdqHash}
   */
  fromRgb({ data, width, height }) {
    checkPixels(data, width, height, 3);
    return this.#hash("pdq_from_rgb", width, height, 3, (target) => target.set(data));
  }

  /**
   * Hash one byte a pixel.
   * @param {Pixels} pixels
   * @returns {PdqHash}
   */
  fromGrey({ data, width, height }) {
    checkPixels(data, width, height, 1);
    return this.#hash("pdq_from_grey", width, height, 1, (target) => target.set(data));
  }

  /**
   * The 16 x 64 cosines that every hash is made with, row by row: equal floats in every build.
   * @returns {Float32Array}
   */
  dctMatrix() {
    return new Float32Array(this.#exports.memory.buffer, this.#exports.dct_matrix(), MATRIX_FLOATS).slice();
  }

  /**
   * @param {"pdq_from_rgb" | "pdq_from_grey"} name
   * @param {number} width
   * @param {number} height
   * @param {number} channels
   * @param {(target: Uint8Array) => void} writePixels
   * @returns {PdqHash}
   */
  #hash(name, width, height, channels, writePixels) {
    const size = width * height * channels;
    try {
      const bits = this.#exports.reserve(HASH_BYTES + size);
      const pixels = bits + HASH_BYTES;
      // The memory's buffer is another one whenever it has grown, so it is asked for each time.
      writePixels(new Uint8Array(this.#exports.memory.buffer, pixels, size));
      const quality = this.#exports[name](pixels, height, width, bits);
      return { hex: hexOf(new Uint8Array(this.#exports.memory.buffer, bits, HASH_BYTES)), quality };
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
      this.#exports = instantiate(this.#module); // one that has trapped is of no more use
      throw new TooLargeError(`${width} x ${height} pixels need more memory than there is`);
    }
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
