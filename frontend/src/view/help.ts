/** The list of keys. */
import { button, h, KEYS, treeOf, uniqueId } from "./dom.ts";

const GROUPS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    "Everywhere",
    [
      ["1 … 9", "go to a pane: steps, IR, details, …"],
      ["Alt+←  Alt+→", "back, forward through selections"],
      ["Shift+F10", "arrange the pane (on its tab)"],
      ["← →", "change the tab, move a bar between panes"],
      ["Enter", "collapse (on a bar between panes)"],
      ["Esc", "select nothing"],
    ],
  ],
  [
    "Steps",
    [
      ["J  K", "next, previous step"],
      ["Shift+J  K", "next, previous step that changed the IR"],
      ["↑ ↓ PgUp PgDn Home End", "move in the list"],
      ["← →", "close, open a group"],
      ["/", "filter by name, dialect, @symbol"],
      ["C", "changed steps only"],
    ],
  ],
  [
    "IR and diff",
    [
      ["D", "diff, back to IR"],
      ["N  P", "next, previous change"],
      ["B", "pin the step as A: diff any two steps"],
      ["M", "whole module, or the step's scope"],
      ["Ctrl+F", "search in the text"],
      ["Ctrl+click", "go to a definition"],
      ["Enter, click", "select a line and what it dispatches"],
    ],
  ],
  [
    "Follow",
    [
      ["O", "follow the selected op through all steps"],
      ["← → Home End", "earlier, later step that changed it (when focused)"],
    ],
  ],
  [
    "Compare",
    [["X", "go to the sides of a comparison, where there are several"]],
  ],
  [
    "Streams (when focused)",
    [
      ["↑ ↓", "walk along edges"],
      ["← →", "walk within a wave"],
      ["Enter, double click", "open or close a group"],
      ["+  −  Ctrl+wheel", "zoom"],
      ["F  0", "go to the selection, show everything"],
      ["/", "find"],
    ],
  ],
  [
    "Allocation, barriers (when focused)",
    [
      ["← →", "move the step of the schedule"],
      ["↑ ↓", "next, previous slice, command or barrier"],
    ],
  ],
  [
    "Executables, VM (when focused)",
    [
      ["↑ ↓ PgUp PgDn Home End", "kernels, lines, instructions"],
      ["← →", "previous, next call (VM)"],
      ["/", "find (VM)"],
      ["S  N  O", "step, over, out (while stepping)"],
      ["L  U  R  B", "next source line, to the cursor, continue, breakpoint (while stepping)"],
      ["Shift+R  Shift+S", "restart; step back (in a record)"],
    ],
  ],
  [
    "Schedule",
    [
      ["G", "go to the schedule"],
      ["← →", "previous, next command (when focused)"],
      ["↑ ↓", "previous, next policy (when focused)"],
      ["W S, Ctrl+wheel", "zoom (when focused)"],
      ["A D  0", "pan, show everything (when focused)"],
    ],
  ],
  [
    "Run and compile",
    [
      ["R  Shift+R", "go to Run, to Compile"],
      ["Ctrl+Enter", "run, compile, continue from an edit"],
      ["E", "edit the IR and go on from there"],
    ],
  ],
  [
    "Timeline",
    [
      ["T", "go to the timeline"],
      ["[  ]", "previous, next event"],
      ["W S, wheel", "zoom (when focused)"],
      ["A D, Shift+drag", "pan (when focused)"],
      ["F  0", "fit the selection, everything"],
      ["M", "measure the selected event (when focused)"],
      ["drag", "statistics of an area"],
    ],
  ],
];

/** A modal list of keys. Escape, ? or a click outside closes it; focus returns to where it was. */
export class Help {
  readonly element: HTMLElement;
  private readonly panel: HTMLElement;
  private returnTo: HTMLElement | null = null;

  constructor() {
    const titleId = uniqueId("help");
    const close = button("×", { class: "il-icon", "aria-label": "Close", title: "Close" }, () =>
      this.toggle(),
    );
    this.panel = h(
      "div",
      {
        class: "il-help",
        role: "dialog",
        "aria-modal": "true",
        "aria-labelledby": titleId,
        tabindex: -1,
        ...KEYS,
      },
      h("header", {}, h("h3", { id: titleId }, "Keys"), close),
      h("div", { class: "il-help-groups" }, ...GROUPS.map(groupElement)),
    );
    this.element = h("div", { class: "il-help-backdrop", hidden: true }, this.panel);
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.toggle();
    });
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || event.key === "?") this.toggle();
      if (event.key === "Tab") close.focus();
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Enter" || event.key === " ") this.toggle();
    });
  }

  toggle(): void {
    const root = treeOf(this.element);
    const opening = this.element.hidden;
    if (opening) this.returnTo = root.activeElement as HTMLElement | null;
    this.element.hidden = !opening;
    if (opening) this.panel.focus();
    else this.returnTo?.focus();
  }
}

function groupElement([title, keys]: (typeof GROUPS)[number]): HTMLElement {
  const list = h("dl", {});
  for (const [key, meaning] of keys)
    list.append(h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning));
  return h("section", {}, h("h4", {}, title), list);
}
