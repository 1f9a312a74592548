/**
 * The anywidget module: what JupyterLab and its relatives load, anew for every widget.
 *
 * It is small, since a page never lets go of a module. The explorer itself (`notebook.ts`) comes
 * gzipped with each widget's state, so that it is there while the kernel is busy, after the page
 * is loaded anew and where the kernel is gone, and is evaluated by the first widget of its build.
 */
import type { Model } from "./explorer.ts";

type Notebook = typeof import("./notebook.ts");

/** A hash of the bundle; the build puts it here. */
declare const BUILD: string;

interface Page {
  /** What this page has evaluated, by build. */
  ireelabBundles?: Map<string, Promise<Notebook>>;
}

interface WidgetModel {
  get(name: string): unknown;
  set(values: Record<string, unknown>, options: { silent: true }): void;
  on(name: "destroy", listener: () => void): void;
}

function initialize({ model }: { model: WidgetModel }): void {
  model.on("destroy", () => empty(model));
}

async function render({ model, el }: { model: WidgetModel; el: HTMLElement }): Promise<() => void> {
  const notebook = await bundleOf(model);
  return notebook.render(model as unknown as Model, el);
}

function bundleOf(model: WidgetModel): Promise<Notebook> {
  const bundles = ((globalThis as Page).ireelabBundles ??= new Map<string, Promise<Notebook>>());
  const known = bundles.get(BUILD);
  if (known) return known;
  const loading = evaluate(model.get("bundle") as DataView<ArrayBuffer>);
  bundles.set(BUILD, loading);
  loading.catch(() => bundles.delete(BUILD)); // the next widget tries with what it brings
  return loading;
}

async function evaluate(gzipped: DataView<ArrayBuffer>): Promise<Notebook> {
  const code = new Blob([gzipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = new Blob([await new Response(code).arrayBuffer()], { type: "text/javascript" });
  const url = URL.createObjectURL(script);
  try {
    return (await import(url)) as Notebook;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** A closed model is kept as long as its kernel's connection (JupyterLab 4.4 to 4.6): empty it. */
function empty(model: WidgetModel): void {
  const values = { bundle: null, index: null, chunks: null, run: null, live: null, stepping: null, _css: "" };
  model.set(values, { silent: true });
  model.set(values, { silent: true }); // a model keeps its previous values too
}

export default { initialize, render };
