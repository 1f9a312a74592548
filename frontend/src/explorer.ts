/** Drives one explorer from a model's traits: data, progress, selection, theme, height. */
import { App } from "./app.ts";
import { decodeIndex, TextStore } from "./data/payload.ts";
import type { Progress } from "./data/types.ts";
import type { View } from "./state.ts";
import { Disposer, h } from "./view/dom.ts";
import { brokenState, emptyState, loadingState, progressState } from "./view/states.ts";
import { applyTheme, watchTheme, type ThemeChoice } from "./view/theme.ts";

export interface Traits {
  index: DataView;
  chunks: DataView;
  theme: ThemeChoice;
  height: number;
  selection: Record<string, unknown>;
  progress: Progress;
}

/** The part of a widget model that is used; Jupyter's and our own host both provide it. */
export interface Model {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  save_changes(): void;
  on(name: string, listener: () => void): void;
  off(name: string, listener: () => void): void;
}

const SAVE_DELAY_MS = 80;
const DEFAULT_HEIGHT = 680;

export class Explorer {
  private readonly root = h("div", { class: "ireelab", role: "application" });
  private readonly disposer = new Disposer();
  private app: App | null = null;
  private loading = 0;
  private saving: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly model: Model,
    parent: HTMLElement,
  ) {
    this.root.setAttribute("aria-label", "IREE compilation explorer");
    parent.append(this.root);
    this.applyTheme();
    this.applyHeight();
    watchTheme(() => this.applyTheme(), this.disposer);
    this.on("change:theme", () => this.applyTheme());
    this.on("change:height", () => this.applyHeight());
    this.on("change:selection", () => this.app?.receive(model.get("selection")));
    this.on("change:progress", () => this.showProgress());
    this.on("change:index", () => void this.load());
    void this.load();
  }

  dispose(): void {
    this.loading++;
    clearTimeout(this.saving);
    this.app?.dispose();
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
      if (request !== this.loading) return;
      const app = new App(this.root, decoded, new TextStore(decoded, chunks));
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

  private showProgress(): void {
    const progress = this.model.get("progress") ?? {};
    if (this.app) this.app.setProgress(progress);
    else if (!bytesOf(this.model.get("index")).length)
      this.root.replaceChildren(progress.state ? progressState(progress) : emptyState());
  }

  /** Stepping quickly sends one message, not one per step. */
  private publish({ selection }: View): void {
    this.model.set("selection", { ...selection });
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.model.save_changes(), SAVE_DELAY_MS);
  }
}

function bytesOf(view: DataView | null | undefined): Uint8Array {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array();
}
