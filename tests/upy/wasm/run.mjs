// Runs one of our scripts on the 32-bit MicroPython: node run.mjs <folder of node_modules> <root> <script> [module ...]
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [packages, root, script, ...names] = process.argv.slice(2);
const port = "@micropython/micropython-webassembly-pyscript/micropython.mjs";
const { loadMicroPython } = await import(pathToFileURL(resolve(packages, port)));
const micropython = await loadMicroPython({ stdout: (line) => console.log(line), linebuffer: true });

for (const folder of ["firmware/lib", "tests/upy", "tests/golden"]) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!/\.(py|json)$/.test(entry.name)) continue;
    const path = "/" + relative(root, join(entry.path, entry.name));
    micropython.FS.mkdirTree(dirname(path));
    micropython.FS.writeFile(path, readFileSync(join(root, path)));
  }
}
try {
  micropython.runPython(`
import sys
sys.path[:] = [".frozen", "/firmware/lib", "/tests/upy"]
import ${script}
${script}.main(${JSON.stringify(names)})
`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
