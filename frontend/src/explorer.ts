/** Drives one explorer from a model's traits: data, progress, selection, layout, theme, height. */
import { App } from "./app.ts";
import type { Layout } from "./data/layout.ts";
import type { JobState, LiveState } from "./data/live.ts";
import { Models } from "./data/models.ts";
import { decodeIndex, decodeRun, TextStore } from "./data/payload.ts";
import type { Progress, Selection } from "./data/types.ts";
import type { SteppedCall } from "./data/vm_stepping.ts";
import { LiveSession } from "./live.ts";
import { Peers } from "./peers.ts";
import { ModelRequests, type MessageModel } from "./requests.ts";
import type { View } from "./state.ts";
import { Disposer, h } from "./view/dom.ts";
import { copyText } from "./view/problems_view.ts";
import { brokenState, emptyState, loadingState, progressState } from "./view/states.ts";
import { applyTheme, watchTheme, type ThemeChoice } from "./view/theme.ts";

export interface Traits {
  index: DataView;
  chunks: DataView;
  theme: ThemeChoice;
  height: number;
  selection: Record<string, unknown>;
  arrangement: Record<string, unknown>;
  progress: Progress;
  /** The run that is shown instead of the index's; empty for that one. */
  run: DataView;
  live: Partial<LiveState>;
  job: JobState;
  stepping: Partial<SteppedCall>;
  /** Explorers of one trace have the same key, and one selection. */
  key: string;
}

/** The part of a widget model that is used; Jupyter's and our own host both provide it. */
export interface Model extends MessageModel {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  save_changes(): void;
}

/** What a page or a notebook does with a view that is to be shared. */
export type Share = (state: { selection: Selection; arrangement: Record<string, unknown> }) => string;

const SAVE_DELAY_MS = 80;
const DEFAULT_HEIGHT = 680;

/** What a host does differently from a notebook. */
export interface Host {
  share: Share;
  /** Whether a kernel answers. */
  live: boolean;
}

export class Explorer {
  private readonly root = h("div", { class: "ireelab", role: "region" });
  private readonly disposer = new Disposer();
  private readonly requests: ModelRequests;
  private readonly session: LiveSession;
  private readonly peers: Peers;
  private app: App | null = null;
  private loading = 0;
  private saving: ReturnType<typeof setTimeout> | undefined;
  private saved = { selection: "", arrangement: "" };

  constructor(
    private readonly model: Model,
    parent: HTMLElement,
    private readonly host: Host = { share: pythonState, live: true },
  ) {
    this.root.setAttribute("aria-label", "IREE compilation explorer");
    parent.append(this.root);
    this.requests = new ModelRequests(model);
    this.session = new LiveSession(model, host.live);
    this.peers = new Peers(() => model.get("key"), (selection) => this.app?.receive(selection));
    this.disposer.add(() => this.requests.dispose());
    this.disposer.add(() => this.session.dispose());
    this.disposer.add(() => this.peers.dispose());
    this.applyTheme();
    this.applyHeight();
    watchTheme(() => this.applyTheme(), this.disposer);
    this.on("change:theme", () => this.applyTheme());
    this.on("change:height", () => this.applyHeight());
    this.on("change:selection", () => this.receiveSelection());
    this.on("change:arrangement", () => this.receiveArrangement());
    this.on("change:run", () => void this.showRun());
    this.on("change:progress", () => this.showProgress());
    this.on("change:index", () => void this.load());
    void this.load();
  }

  dispose(): void {
    this.loading++;
    clearTimeout(this.saving);
    this.app?.dispose();
    this.app = null;
    this.disposer.dispose();
    this.root.remove();
  }

  private on(name: string, listener: () => void): void {
    this.model.on(name, listener);
    this.disposer.add(() => this.model.off(name, listener));
  }

  private applyTheme(): void {
    applyTheme(this.root, this.model.get("theme") ?? "auto");
    this.app?.restyle();
  }

  private applyHeight(): void {
    const height = this.model.get("height") || DEFAULT_HEIGHT;
    this.root.style.setProperty("--il-height", `${height}px`);
  }

  /** Python sets `chunks` before `index`, so both belong together when the index arrives. */
  private async load(): Promise<void> {
    const request = ++this.loading;
    const index = bytesOf(this.model.get("index"));
    const chunks = bytesOf(this.model.get("chunks"));
    this.app?.dispose();
    this.app = null;
    if (!index.length) {
      this.showProgress();
      return;
    }
    this.root.replaceChildren(loadingState(index.length + chunks.length));
    try {
      const decoded = await decodeIndex(index);
      const run = bytesOf(this.model.get("run"));
      if (run.length) decoded.run = await decodeRun(run);
      if (request !== this.loading) return;
      const texts = new TextStore(decoded, chunks);
      const models = new Models((name) => this.requests.fetch(name));
      const app = new App(this.root, decoded, texts, models, this.model.get("arrangement"), this.host.live, this.session, {
        onLayout: (layout) => this.publishLayout(layout),
        onShare: () => void this.copyState(),
      });
      this.app = app;
      this.root.replaceChildren(app.element);
      app.store.subscribe((now) => this.publish(now));
      app.start(this.model.get("selection"));
      app.setProgress(this.model.get("progress") ?? {});
    } catch (error) {
      if (request !== this.loading) return;
      this.root.replaceChildren(brokenState(error));
    }
  }

  private async showRun(): Promise<void> {
    const request = this.loading;
    const bytes = bytesOf(this.model.get("run"));
    if (!this.app || !bytes.length) return; // what is loading will read it
    const run = await decodeRun(bytes);
    if (request === this.loading && bytes.length) this.app?.setRun(run);
  }

  private showProgress(): void {
    const progress = this.model.get("progress") ?? {};
    if (this.app) this.app.setProgress(progress);
    else if (!bytesOf(this.model.get("index")).length)
      this.root.replaceChildren(progress.state ? progressState(progress) : emptyState());
  }

  private publish({ selection }: View): void {
    this.model.set("selection", { ...selection });
    this.peers.publish(this.app?.alone ? { item: selection.item } : selection);
    this.save();
  }

  private publishLayout(layout: Layout): void {
    this.model.set("arrangement", layout as unknown as Record<string, unknown>);
    this.save();
  }

  /** Stepping quickly sends one message, not one per step. */
  private save(): void {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      this.saving = undefined;
      this.saved = { selection: this.said("selection"), arrangement: this.said("arrangement") };
      this.model.save_changes();
    }, SAVE_DELAY_MS);
  }

  private receiveSelection(): void {
    const { app } = this;
    if (app && !this.kept("selection", app.store.selection)) app.receive(this.model.get("selection"));
  }

  private receiveArrangement(): void {
    const { app } = this;
    if (app && !this.kept("arrangement", app.workspace.layout)) app.arrange(this.model.get("arrangement"));
  }

  /** While a change waits to be saved, the kernel may still echo the one before: ours is newer. */
  private kept(name: "selection" | "arrangement", ours: object): boolean {
    const said = this.said(name);
    if (said === JSON.stringify(ours)) return true;
    const echo = this.saving !== undefined && said === this.saved[name];
    if (echo) this.model.set(name, { ...ours });
    return echo;
  }

  private said(name: "selection" | "arrangement"): string {
    return JSON.stringify(this.model.get(name));
  }

  private async copyState(): Promise<void> {
    const { app } = this;
    if (!app) return;
    const text = this.host.share({ selection: app.store.selection, arrangement: this.model.get("arrangement") });
    app.flash((await copyText(text)) ? "copied what brings this view back" : "nothing could be copied");
  }
}

/** What `il.explore(..., state=...)` takes. */
function pythonState(state: object): string {
  const json = JSON.stringify(state);
  return json.replace(/("(?:[^"\\]|\\.)*")|\b(null|true|false)\b/g, (whole, quoted: string, word: string) =>
    quoted ? whole : ({ null: "None", true: "True", false: "False" })[word]!,
  );
}

function bytesOf(view: DataView | null | undefined): Uint8Array {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array();
}
