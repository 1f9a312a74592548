/** Which theme to wear, and when it changes. */
import type { Disposer } from "./dom.ts";

export type ThemeChoice = "auto" | "light" | "dark";

interface Host {
  /** The notebook whose CSS variables may be used, if they fit the theme. */
  name: "jupyter" | "vscode" | "none";
  theme: "light" | "dark";
}

function detectHost(): Host {
  const { body } = document;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter !== undefined)
    return { name: "jupyter", theme: jupyter === "false" ? "dark" : "light" };
  const vscode = body.dataset.vscodeThemeKind;
  if (vscode !== undefined)
    return { name: "vscode", theme: /dark|high-contrast$/.test(vscode) ? "dark" : "light" };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return { name: "none", theme: dark ? "dark" : "light" };
}

/**
 * Marks the root with the theme. An explicit choice that the host does not share uses our own
 * colours only: the host's variables would be those of the other theme.
 */
export function applyTheme(root: HTMLElement, choice: ThemeChoice): void {
  const host = detectHost();
  const theme = choice === "auto" ? host.theme : choice;
  root.dataset.ilTheme = theme;
  root.dataset.ilHost = theme === host.theme ? host.name : "none";
}

export function watchTheme(onChange: () => void, disposer: Disposer): void {
  const observer = new MutationObserver(onChange);
  observer.observe(document.body, {
    attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind"],
  });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", onChange);
  disposer.add(() => {
    observer.disconnect();
    media.removeEventListener("change", onChange);
  });
}
