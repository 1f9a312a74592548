/** The anywidget module: what JupyterLab and its relatives load. */
import { Explorer, type Model } from "./explorer.ts";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const explorer = new Explorer(model, el);
  return () => explorer.dispose();
}

export default { render };
