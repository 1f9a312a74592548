/**
 * Where the parts of a pane are scrolled to. A browser forgets it when they leave the document: for
 * another tab, or because the notebook takes cells out that are far from view.
 */
export class ScrollPlaces {
  private readonly places = new Map<Element, { top: number; left: number }>();

  constructor(private readonly host: HTMLElement) {
    host.addEventListener("scroll", (event) => this.note(event.target as Element), { capture: true, passive: true });
  }

  restore(): void {
    for (const [part, { top, left }] of [...this.places]) {
      if (!this.host.contains(part)) this.places.delete(part);
      else part.scrollTo({ top, left, behavior: "instant" });
    }
  }

  private note(part: Element): void {
    if (part.isConnected && part.clientHeight) this.places.set(part, { top: part.scrollTop, left: part.scrollLeft });
  }
}
