/** The one way this front end makes elements. */

type Attributes = Record<string, string | number | boolean | null | undefined>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * A name that loses its middle where there is no room: many begin alike, and their ends tell them
 * apart. Goes into an element of class "il-elided".
 */
export function elided(name: string): HTMLElement {
  const end = name.length > 14 ? /[-._][^-._]*(?:[-._][^-._]*)?$/.exec(name) : null;
  const at = end && end[0].length <= 12 ? end.index : name.search(/[-._][^-._]*$/);
  const whole = name.length <= 14 || at <= 0 || name.length - at > 12;
  const parts = whole ? [name] : [name.slice(0, at), name.slice(at)];
  return h("span", { class: "il-elided-name" }, ...parts.map((part) => h("span", {}, part)));
}

/** A long name that breaks between its words before it breaks inside one. */
export function breakable(name: string): (Node | string)[] {
  return name.split(/(?<=[_/:.])/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));
}

/** A focusable part of the explorer: JupyterLab must leave its keys alone. */
export const KEYS = { "data-lm-suppress-shortcuts": "true" } as const;

export function button(
  label: string,
  attributes: Attributes,
  onClick: (event: MouseEvent) => void,
): HTMLButtonElement {
  const element = h("button", { type: "button", ...KEYS, ...attributes }, label);
  element.addEventListener("click", onClick);
  return element;
}

/** The document, or the shadow tree that hosts the explorer: where styles and focus live. */
export function treeOf(element: HTMLElement): Document | ShadowRoot {
  const root = element.getRootNode();
  return root instanceof Document || root instanceof ShadowRoot ? root : document;
}

let lastId = 0;

/** An id unique to the page, for aria references. */
export function uniqueId(prefix: string): string {
  return `il-${prefix}-${++lastId}`;
}

/** Runs clean-ups in reverse order of registration. */
export class Disposer {
  private readonly actions: (() => void)[] = [];

  add(action: () => void): void {
    this.actions.push(action);
  }

  listen<K extends keyof HTMLElementEventMap>(
    target: HTMLElement,
    type: K,
    listener: (event: HTMLElementEventMap[K]) => void,
    options?: AddEventListenerOptions,
  ): void {
    target.addEventListener(type, listener, options);
    this.add(() => target.removeEventListener(type, listener, options));
  }

  observeSize(target: HTMLElement, onResize: () => void): void {
    const observer = new ResizeObserver(onResize);
    observer.observe(target);
    this.add(() => observer.disconnect());
  }

  dispose(): void {
    for (const action of this.actions.splice(0).reverse()) action();
  }
}
