/** A menu that opens at a button: arrows walk it, Escape closes it and gives focus back. */
import { h, KEYS, treeOf } from "./dom.ts";

export interface MenuItem {
  label: string;
  /** Shown at the right: a key, or a tick. */
  hint?: string;
  disabled?: boolean;
  /** null draws a line instead. */
  run: (() => void) | null;
}

export const SEPARATOR: MenuItem = { label: "", run: null };

export function openMenu(
  root: HTMLElement,
  anchor: HTMLElement,
  label: string,
  items: readonly MenuItem[],
): void {
  const menu = h("div", { class: "il-menu", role: "menu", "aria-label": label, tabindex: -1, ...KEYS });
  const buttons: HTMLButtonElement[] = [];
  for (const item of items) {
    if (!item.run) {
      menu.append(h("div", { class: "il-menu-line", role: "separator" }));
      continue;
    }
    const { run } = item;
    const hint = h("span", { class: "il-menu-hint" }, item.hint ?? "");
    const element = h(
      "button",
      { type: "button", role: "menuitem", class: "il-menu-item", tabindex: -1, disabled: item.disabled, ...KEYS },
      h("span", {}, item.label),
      hint,
    );
    element.addEventListener("click", () => {
      close(true);
      run();
    });
    buttons.push(element);
    menu.append(element);
  }
  root.append(menu);
  position(root, menu, anchor);
  const enabled = buttons.filter((one) => !one.disabled);
  enabled[0]?.focus();
  menu.addEventListener("keydown", onKey);
  menu.addEventListener("focusout", onFocusOut);

  function close(focusAnchor: boolean): void {
    menu.removeEventListener("focusout", onFocusOut);
    menu.remove();
    if (focusAnchor && anchor.isConnected) anchor.focus();
  }

  function onFocusOut(event: FocusEvent): void {
    if (!menu.contains(event.relatedTarget as Node | null)) close(false);
  }

  function onKey(event: KeyboardEvent): void {
    const at = enabled.indexOf(treeOf(menu).activeElement as HTMLButtonElement);
    const targets: Record<string, number> = {
      ArrowDown: (at + 1) % enabled.length,
      ArrowUp: (at - 1 + enabled.length) % enabled.length,
      Home: 0,
      End: enabled.length - 1,
    };
    const target = targets[event.key];
    if (target !== undefined) enabled[target].focus();
    else if (event.key === "Escape" || event.key === "Tab") close(true);
    else if (event.key === "Enter" || event.key === " ") enabled[at]?.click();
    event.preventDefault();
    event.stopPropagation();
  }
}

function position(root: HTMLElement, menu: HTMLElement, anchor: HTMLElement): void {
  const frame = root.getBoundingClientRect();
  const at = anchor.getBoundingClientRect();
  const left = Math.max(4, Math.min(at.left - frame.left, frame.width - menu.offsetWidth - 6));
  const below = at.bottom - frame.top + 2;
  const fits = below + menu.offsetHeight <= frame.height;
  const top = fits ? below : Math.max(4, Math.min(at.top - frame.top - menu.offsetHeight - 2, frame.height - menu.offsetHeight - 4));
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}
