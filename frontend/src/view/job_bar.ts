/** What goes on, in the top line: how far it is, and a button that stops it. */
import { jobShare, jobText } from "../data/live.ts";
import type { LiveSession } from "../live.ts";
import { button, h } from "./dom.ts";

export class JobBar {
  readonly element: HTMLElement;
  private readonly text = h("span", { class: "il-job-text" });
  private readonly bar = h("span", { class: "il-job-bar", "aria-hidden": "true" }, h("span"));
  private readonly stop: HTMLButtonElement;
  private readonly unsubscribe: () => void;

  constructor(private readonly session: LiveSession) {
    this.stop = button("■ Stop", { class: "il-button", "data-il": "stop" }, () => session.ask("stop"));
    this.element = h("span", { class: "il-job", role: "status", hidden: true }, this.bar, this.text, this.stop);
    this.unsubscribe = session.subscribe(() => this.show());
    this.show();
  }

  dispose(): void {
    this.unsubscribe();
  }

  private show(): void {
    const { job } = this.session;
    this.element.hidden = !this.session.busy;
    if (!this.session.busy) return;
    this.text.textContent = jobText(job);
    this.text.title = this.text.textContent;
    this.stop.disabled = job.stopping === true;
    this.stop.title =
      job.kind === "run" ? "End after the call that runs now" : "End the compilation; the steps so far are kept";
    const share = jobShare(job);
    this.bar.classList.toggle("il-unknown", share === null);
    (this.bar.firstElementChild as HTMLElement).style.width = share === null ? "" : `${100 * share}%`;
  }
}
