/** What goes on, in the top line: how far it is, and a button that stops it. */
import { jobShare, jobText } from "../data/live.ts";
import type { LiveSession } from "../live.ts";
import { button, h } from "./dom.ts";

const STEP_DELAY_MS = 400; // one step of a call is over before anybody reads that it goes on

const STOPS = {
  run: "End after the call that runs now",
  compile: "End the compilation; the steps so far are kept",
  vm: "Stop between two instructions",
} as const;

export class JobBar {
  readonly element: HTMLElement;
  private readonly text = h("span", { class: "il-job-text" });
  private readonly bar = h("span", { class: "il-job-bar", "aria-hidden": "true" }, h("span"));
  private readonly stop: HTMLButtonElement;
  private readonly unsubscribe: () => void;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: LiveSession) {
    this.stop = button("■ Stop", { class: "il-button", "data-il": "stop" }, () => session.ask("stop"));
    this.element = h("span", { class: "il-job", role: "status", hidden: true }, this.bar, this.text, this.stop);
    this.unsubscribe = session.subscribe(() => this.show());
    this.show();
  }

  dispose(): void {
    this.unsubscribe();
    clearTimeout(this.waiting);
  }

  private reveal(busy: boolean): void {
    clearTimeout(this.waiting);
    this.waiting = undefined;
    this.element.hidden = !busy;
  }

  private show(): void {
    const { job } = this.session;
    if (!this.session.busy || job.kind !== "vm") this.reveal(this.session.busy);
    else this.waiting ??= setTimeout(() => this.reveal(this.session.busy), STEP_DELAY_MS);
    if (!this.session.busy) return;
    this.text.textContent = jobText(job);
    this.text.title = this.text.textContent;
    this.stop.disabled = job.stopping === true;
    this.stop.title = STOPS[job.kind ?? "compile"];
    const share = jobShare(job);
    this.bar.classList.toggle("il-unknown", share === null);
    (this.bar.firstElementChild as HTMLElement).style.width = share === null ? "" : `${100 * share}%`;
  }
}
