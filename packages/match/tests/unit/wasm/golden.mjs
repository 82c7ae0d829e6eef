// Prints what the module makes of the golden vectors, whose pixels it computes here from their formulas, as JSON.
// node golden.mjs MODULE.wasm pdq.json
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
import { ORIENTATIONS, Pdq } from "../../../wasm/pdq.mjs";

const whole = Math.floor;
const formulas = {
  flat: ({ seed }) => seed,
  slope: ({ seed, width, height }, y, x) =>
    whole(
      (whole((x * 255) / Math.max(width - 1, 1)) * ((seed % 5) + 1) +
        whole((y * 255) / Math.max(height - 1, 1)) * ((seed % 7) + 1)) /
        12,
    ),
  rings: ({ seed, width, height }, y, x, c) =>
    whole((((2 * x - width) ** 2 + (2 * y - height) ** 2 + seed * 1000) * 40) / (width * height)) + c * 29,
  blocks: ({ seed, width, height }, y, x, c) =>
    (whole((x * 8) / width) * 37 + whole((y * 8) / height) * 101 + c * 53) * (seed * 2 + 1),
  framed: ({ seed, width, height }, y, x, c) => {
    const isInside = y >= whole(height / 8) && y < height - whole(height / 6) && x >= whole(width / 16);
    return isInside ? formulas.blocks({ seed: 1, width, height }, y, x, c) : seed;
  },
};

function noise({ width, height, channels, seed }) {
  let state = seed;
  return Uint8Array.from({ length: width * height * channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

function pixelsOf(vector) {
  if (vector.picture === "noise") return noise(vector);
  const { width, height, channels } = vector;
  return Uint8Array.from({ length: width * height * channels }, (_, index) => {
    const pixel = whole(index / channels);
    return formulas[vector.picture](vector, whole(pixel / width), pixel % width, index % channels) % 256;
  });
}

const pdq = await Pdq.load(await readFile(argv[2]));
const { vectors } = JSON.parse(await readFile(argv[3], "utf8"));
const hashes = vectors.map((vector) => {
  const pixels = { data: pixelsOf(vector), width: vector.width, height: vector.height };
  return vector.channels === 1 ? pdq.fromGrey(pixels) : pdq.fromRgb(pixels);
});
console.log(JSON.stringify({ hashes, orientations: ORIENTATIONS, dctMatrix: Array.from(pdq.dctMatrix()) }));
