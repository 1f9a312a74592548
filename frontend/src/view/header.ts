/** The top line: what was compiled, for what, how it went. */
import { formatCount, formatSeconds, plural } from "../data/format.ts";
import type { Index, Progress, Run } from "../data/types.ts";
import { button, h } from "./dom.ts";

export interface HeaderEvents {
  onHelp: () => void;
  onGo: (by: 1 | -1) => void;
  onShare: () => void;
  /** Null where there is no kernel. */
  onRun: (() => void) | null;
}

export class Header {
  readonly element: HTMLElement;
  private readonly back: HTMLButtonElement;
  private readonly forward: HTMLButtonElement;
  private readonly ran = h("span", { class: "il-chip", title: "Where it ran", hidden: true });
  private readonly progress = h("span", { class: "il-progress", role: "status", hidden: true });

  constructor(
    private readonly index: Index,
    events: HeaderEvents,
    job: HTMLElement,
  ) {
    const icon = (label: string, name: string, keys: string, run: () => void) =>
      button(label, { class: "il-icon", title: `${name} ( ${keys} )`, "aria-label": name }, run);
    this.back = icon("←", "Back to the last selection", "Alt+←", () => events.onGo(-1));
    this.forward = icon("→", "Forward to the next selection", "Alt+→", () => events.onGo(1));
    this.element = h(
      "header",
      { class: "il-top" },
      h("span", { class: "il-history" }, this.back, this.forward),
      ...describe(index, this.ran),
      this.progress,
      job,
      h("span", { class: "il-grow" }),
      ...(events.onRun
        ? [button("▶ Run", { class: "il-toggle", title: "Run or compile anew ( r )", "data-il": "go-to-run" }, events.onRun)]
        : []),
      button("Link", { class: "il-toggle", title: "Copy what brings this view back", "data-il": "share" }, events.onShare),
      button("? keys", { class: "il-toggle", title: "Keys ( ? )", "data-il": "help" }, events.onHelp),
    );
    this.setRun(index.run);
  }

  /** Where what is shown ran, when that is not what it was compiled for. */
  setRun(run: Run | null): void {
    const device = run?.device ?? "";
    this.ran.hidden = !device || device.replace(/:\d+$/, "") === this.index.target;
    this.ran.textContent = `ran on ${device}`;
    this.ran.title = `Ran on ${device}`;
  }

  setHistory(back: boolean, forward: boolean): void {
    this.back.disabled = !back;
    this.forward.disabled = !forward;
  }

  /** Says for a moment what has just happened. */
  flash(text: string): void {
    this.setProgress({ state: text });
    setTimeout(() => this.setProgress({}), 2500);
  }

  setProgress(progress: Progress): void {
    this.progress.hidden = progress.state === undefined;
    if (progress.state === undefined) return;
    const count = progress.count ? ` step ${formatCount(progress.count)}` : "";
    this.progress.textContent = `${progress.state}${count} ${progress.step ?? ""}`;
    this.progress.title = this.progress.textContent;
  }
}

function describe(index: Index, ran: HTMLElement): HTMLElement[] {
  const changed = index.steps.filter((step) => step.changed).length;
  const summary = [
    index.steps.length ? plural(index.steps.length, "step") : "", // a model alone in its cell
    index.steps.length ? `${formatCount(changed)} changed` : "",
    index.compile_seconds ? formatSeconds(index.compile_seconds) : "",
  ];
  const text = summary.filter(Boolean).join(" · ");
  const elements = [h("b", { title: index.name }, index.name)];
  if (index.state !== "ready") {
    const mark = index.state === "failed" ? "✕ failed" : "■ stopped";
    elements.push(h("span", { class: `il-chip il-chip-${index.state}` }, mark));
  }
  if (index.pipeline) {
    const word = h("span", { class: "il-chip-word" }, " pipeline");
    elements.push(h("span", { class: "il-chip", title: `Compiled by the ${index.pipeline} pipeline` }, index.pipeline, word));
  }
  if (index.target) elements.push(h("span", { class: "il-chip", title: `Compiled for ${index.target}` }, index.target));
  elements.push(ran, h("span", { class: "il-summary", title: text }, text));
  return elements;
}
