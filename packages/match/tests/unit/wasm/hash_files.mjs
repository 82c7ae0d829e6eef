// Hashes raw pixels from files, as JSON. node hash_files.mjs MODULE.wasm JOBS.json
// A job: {"file", "width", "height", "layout": "rgba" | "rgb" | "grey"}; an answer: {"hex", "quality"} or {"error"}.
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
import { Pdq } from "../../../wasm/pdq.mjs";

const pdq = await Pdq.load(await readFile(argv[2]));
const methods = { rgba: "fromRgba", rgb: "fromRgb", grey: "fromGrey" };
const answers = [];
for (const { file, width, height, layout } of JSON.parse(await readFile(argv[3], "utf8"))) {
  const data = new Uint8Array(await readFile(file));
  try {
    answers.push(pdq[methods[layout]]({ data, width, height }));
  } catch (error) {
    answers.push({ error: error.name });
  }
}
console.log(JSON.stringify(answers));
