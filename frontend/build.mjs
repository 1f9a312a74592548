// Bundles the front end. `node build.mjs [OUTDIR]` writes notebook.js.gz (the explorer), widget.js
// (the anywidget module that loads it), standalone.js (the explorer with its own host, for exported
// pages), widget.css, and the licences of what was bundled. `node build.mjs --tests OUTDIR` bundles
// the unit tests.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = dirname(fileURLToPath(import.meta.url));
const testing = process.argv[2] === "--tests";
const outdir = resolve(process.argv[testing ? 3 : 2] ?? join(root, "../ireelab/widgets/static"));
const common = {
  absWorkingDir: root,
  outdir,
  bundle: true,
  target: "es2022",
  charset: "utf8",
  logLevel: "warning",
};

if (testing) await bundleTests();
else await bundleWidget();

async function bundleTests() {
  const folder = join(root, "../tests/frontend");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    entryPoints: names.map((name) => join(folder, name)),
    platform: "node",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    nodePaths: [join(root, "node_modules")],
  });
}

async function bundleWidget() {
  const shipped = { ...common, minify: true, legalComments: "none", metafile: true };
  const notebook = await build({
    ...shipped,
    format: "esm",
    entryPoints: { notebook: "src/notebook.ts" },
    write: false,
  });
  const code = notebook.outputFiles[0].contents;
  await mkdir(outdir, { recursive: true });
  await writeFile(join(outdir, "notebook.js.gz"), gzipSync(code, { level: 9 }));
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 16);
  await build({
    ...shipped,
    format: "esm",
    entryPoints: { widget: "src/widget.ts" },
    define: { BUILD: JSON.stringify(hash) },
  });
  await build({ ...shipped, format: "iife", entryPoints: { standalone: "src/standalone.ts" } });
  await build({ ...shipped, entryPoints: { widget: "src/widget.css" } });
  await writeLicences(Object.keys(notebook.metafile.inputs));
}

/** MIT asks that its notice travels with the code: collect those of every bundled package. */
async function writeLicences(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const match = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[1]);
  }
  const notices = [];
  for (const name of [...packages].sort()) {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? await readFile(join(folder, file), "utf8") : "";
    notices.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  await writeFile(join(outdir, "THIRD_PARTY_LICENSES.txt"), notices.join(`\n${"-".repeat(80)}\n\n`));
}
