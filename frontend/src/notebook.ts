/** The host for notebooks: what `widget.ts` loads once a page. */
import { Explorer, type Model } from "./explorer.ts";

export function render(model: Model, parent: HTMLElement): () => void {
  const explorer = new Explorer(model, parent);
  return () => explorer.dispose();
}
