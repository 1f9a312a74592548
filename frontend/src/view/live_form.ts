/** What the Run and the Compile form have in common: when they are drawn anew, and how they are sent. */
import type { LiveSession } from "../live.ts";
import { h } from "./dom.ts";

export abstract class LiveForm {
  readonly element: HTMLFormElement;
  private drawn = "";

  constructor(
    protected readonly session: LiveSession,
    label: string,
    id: string,
    /** What is said until the kernel has told what there is to choose from. */
    private readonly waiting: string,
  ) {
    this.element = h("form", { class: "il-form", "aria-label": label, "data-il": id });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.send();
    });
  }

  /** Draws it anew only where it asks for other things, so that what is being written stays. */
  show(): void {
    if (!this.session.state.options) {
      this.element.replaceChildren(h("p", { class: "il-muted", role: "status" }, this.waiting));
      return;
    }
    const asked = JSON.stringify(this.asksFor());
    if (asked !== this.drawn) {
      this.drawn = asked;
      const absent = this.absent();
      this.element.replaceChildren(...(absent ? [h("p", { class: "il-muted" }, absent)] : this.fields()));
    }
    const submit = this.element.querySelector<HTMLButtonElement>("[type=submit]");
    if (submit) submit.disabled = this.session.busy;
  }

  /** Fills it in as what is shown was asked for. */
  refill(): void {
    this.forget();
    this.drawn = "";
    this.show();
  }

  abstract focus(): void;

  /** Whatever other fields depend on. */
  protected abstract asksFor(): unknown;
  /** Why there is nothing to ask for; "" where there is. */
  protected abstract absent(): string;
  protected abstract fields(): HTMLElement[];
  protected abstract forget(): void;
  protected abstract submit(): void;

  private send(): void {
    if (!this.session.busy && !this.absent()) this.submit();
  }
}
