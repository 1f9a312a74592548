/** A page without Jupyter: the same explorer over data that stands in the page itself. */
import { Explorer, type Model, type Traits } from "./explorer.ts";

/** A widget model without a kernel: it keeps state and tells listeners. */
class PageModel implements Model {
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(private readonly state: Traits) {}

  get<K extends keyof Traits>(name: K): Traits[K] {
    return this.state[name];
  }

  set<K extends keyof Traits>(name: K, value: Traits[K]): void {
    if (this.state[name] === value) return;
    this.state[name] = value;
    for (const listener of [...(this.listeners.get(`change:${name}`) ?? [])]) listener();
  }

  save_changes(): void {}

  on(name: string, listener: () => void): void {
    const known = this.listeners.get(name);
    if (known) known.add(listener);
    else this.listeners.set(name, new Set([listener]));
  }

  off(name: string, listener: () => void): void {
    this.listeners.get(name)?.delete(listener);
  }
}

function embedded(id: string): string {
  return document.getElementById(id)?.textContent?.trim() ?? "";
}

function decodeBase64(text: string): DataView {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new DataView(bytes.buffer);
}

const model = new PageModel({
  index: decodeBase64(embedded("ireelab-index")),
  chunks: decodeBase64(embedded("ireelab-chunks")),
  theme: "auto",
  height: 0,
  selection: {},
  progress: {},
});
const explorer = new Explorer(model, document.getElementById("ireelab") ?? document.body);
Object.assign(window, { ireelab: { model, explorer } });
