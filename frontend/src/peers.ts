/** Explorers of one trace on one page share their selection, without the kernel. */
import type { Selection } from "./data/types.ts";

const EVENT = "ireelab:selection";

/** A model alone in its cell knows of no step and line, and says the item only. */
export type Told = Selection | Pick<Selection, "item">;

interface Detail {
  from: object;
  key: string;
  selection: Told;
}

export class Peers {
  private receiving = false;
  private readonly listener = (event: Event) => this.receive((event as CustomEvent<Detail>).detail);

  constructor(
    private readonly key: () => string,
    private readonly onSelection: (selection: Told) => void,
  ) {
    document.addEventListener(EVENT, this.listener);
  }

  /** Tells the others with the same key; a selection that came from them is not told again. */
  publish(selection: Told): void {
    const key = this.key();
    if (!key || this.receiving) return;
    const detail: Detail = { from: this, key, selection };
    document.dispatchEvent(new CustomEvent(EVENT, { detail }));
  }

  dispose(): void {
    document.removeEventListener(EVENT, this.listener);
  }

  private receive({ from, key, selection }: Detail): void {
    if (from === this || key !== this.key()) return;
    this.receiving = true;
    this.onSelection(selection);
    this.receiving = false;
  }
}
