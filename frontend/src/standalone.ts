/** A page without Jupyter: the same explorer over data that stands in the page itself. */
import { Explorer, type Model, type Traits } from "./explorer.ts";
import type { Reply } from "./requests.ts";

type Listener = (...args: never[]) => void;

/** A widget model without a kernel: it keeps state, tells listeners, and has all models by it. */
class PageModel implements Model {
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(private readonly state: Traits) {}

  get<K extends keyof Traits>(name: K): Traits[K] {
    return this.state[name];
  }

  set<K extends keyof Traits>(name: K, value: Traits[K]): void {
    if (this.state[name] === value) return;
    this.state[name] = value;
    this.tell(`change:${name}`);
  }

  save_changes(): void {
    const { selection, arrangement } = this.state;
    history.replaceState(null, "", hashOf({ selection, arrangement }));
  }

  on(name: string, listener: Listener): void {
    const known = this.listeners.get(name);
    if (known) known.add(listener);
    else this.listeners.set(name, new Set([listener]));
  }

  off(name: string, listener: Listener): void {
    this.listeners.get(name)?.delete(listener);
  }

  send(content: Record<string, unknown>): void {
    const name = String(content.name);
    const element = document.getElementById(`ireelab-model-${name}`);
    const reply: Reply = {
      type: "model",
      name,
      absent: element ? (element.dataset.absent ?? "") : "This page was saved without it.",
      error: "",
    };
    const buffers = element && !reply.absent ? [decodeBase64(element.textContent?.trim() ?? "")] : [];
    queueMicrotask(() => this.tell("msg:custom", reply, buffers));
  }

  private tell(name: string, ...args: unknown[]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])])
      (listener as (...args: unknown[]) => void)(...args);
  }
}

const STATE = "state=";

function hashOf(state: object): string {
  return `#${STATE}${encodeURIComponent(JSON.stringify(state))}`;
}

/** What the link says is selected and arranged; a link that was cut off says nothing. */
function stateOfLink(): Partial<Pick<Traits, "selection" | "arrangement">> {
  const hash = location.hash.slice(1);
  if (!hash.startsWith(STATE)) return {};
  try {
    return JSON.parse(decodeURIComponent(hash.slice(STATE.length))) as Partial<Traits>;
  } catch {
    return {};
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
  arrangement: {},
  progress: {},
  run: new DataView(new ArrayBuffer(0)),
  live: {},
  job: {},
  stepping: {},
  key: "",
  ...stateOfLink(),
});
const host = document.getElementById("ireelab") ?? document.body;
const explorer = new Explorer(model, host, {
  share: (state) => location.href.split("#")[0] + hashOf(state),
  live: false,
});
Object.assign(window, { ireelab: { model, explorer } });
