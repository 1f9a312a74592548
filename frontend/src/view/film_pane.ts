/** The Follow pane: one op as a strip, a frame for each step that changed it. */
import type { Film, FilmFrame, FilmLine } from "../data/film.ts";
import { frameLines, frameTitle, type FrameLines } from "../data/film_lines.ts";
import { formatCount, formatNs, plural } from "../data/format.ts";
import type { LineTexts } from "../data/line_texts.ts";
import type { EntryPointAtoms, Frame, SourceOp } from "../data/provenance.ts";
import { phaseTitle } from "../data/steps.ts";
import { button, h, KEYS } from "./dom.ts";
import { message, NOWHERE, type At, type PaneContext, type PaneView, type Selected } from "./model_pane.ts";
import type { Pane } from "./pane.ts";
import { ratesTable } from "./rates_table.ts";

const SHOWN_LINES = 5;
const TOOLTIP_LINES = 40;
const SHOWN_EVENTS = 3;

export async function filmPane(pane: Pane, context: PaneContext): Promise<PaneView> {
  await context.follower.load();
  return new FilmPane(pane, context);
}

class FilmPane implements PaneView {
  private readonly host = h("div", { class: "il-film" });
  private film: Film | null = null;
  private options: HTMLElement[] = [];
  private current = -1;
  private at: At = NOWHERE;
  /** What this strip itself selected: it stays the same strip. */
  private asked: At = NOWHERE;

  constructor(
    private readonly pane: Pane,
    private readonly context: PaneContext,
  ) {
    pane.body.append(this.host);
    this.clear();
  }

  show({ at }: Selected): void {
    const { step, line, text } = at;
    const moved = step !== this.at.step || line !== this.at.line || text !== this.at.text;
    this.at = at;
    if (!moved) return;
    const own = step === this.asked.step && line === this.asked.line;
    if (line === null || own) this.mark(step);
    else this.follow({ step, line, text });
  }

  focus(): void {
    (this.options[Math.max(0, this.current)] ?? this.host.querySelector<HTMLElement>("button"))?.focus();
  }

  restyle(): void {}

  dispose(): void {}

  private follow(shown: { step: number | null; line: number; text: number | null }): void {
    const film = this.context.follower.film(shown);
    if (!film || (!film.frames.length && !film.origin.sources.length)) return this.clear(true);
    this.film = film;
    const { sources, entryPoints } = film.origin;
    this.options = film.frames.map((frame, i) => this.frame(film.texts, frame, i));
    const strip = h(
      "div",
      { class: "il-film-strip", role: "listbox", "aria-orientation": "horizontal", "aria-label": "Steps that changed this op" },
      ...this.options,
    );
    strip.addEventListener("keydown", (event) => this.onKey(event));
    const parts: HTMLElement[] = [];
    if (sources.length) parts.push(this.sourceCard(sources));
    if (this.options.length) parts.push(strip);
    if (entryPoints.length) parts.push(this.kernelCard(entryPoints));
    this.host.replaceChildren(...parts);
    this.pane.setNote(
      [film.text.trim(), plural(film.frames.length, "frame"), sources.length ? "" : "from no op of the source"]
        .filter(Boolean)
        .join(" · "),
    );
    this.current = -1;
    this.mark(shown.step);
  }

  private clear(tried = false): void {
    this.film = null;
    this.options = [];
    const empty = message(
      "empty",
      tried ? "This line cannot be followed" : "Select an op to follow",
      tried
        ? "It comes from no op of the source, and stays as it is."
        : "Click a line of the IR or of the source: here stands each step that changed it, up to its kernel.",
    );
    empty.append(ratesTable(this.context.follower.rates));
    this.host.replaceChildren(empty);
    this.pane.setNote("");
  }

  /** Marks the frame that says what the op is after a step, and brings it into view. */
  private mark(step: number | null): void {
    const frames = this.film?.frames ?? [];
    let now = -1;
    frames.forEach((frame, i) => {
      if (frame.step <= (step ?? -1)) now = i;
    });
    this.setCurrent(Math.max(0, now));
  }

  private setCurrent(now: number): void {
    this.options.forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === now));
      option.tabIndex = i === now ? 0 : -1;
    });
    this.current = now;
    this.options[now]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  private onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.options.length - 1;
    const to: Record<string, number> = {
      ArrowRight: Math.min(last, this.current + 1),
      ArrowLeft: Math.max(0, this.current - 1),
      Home: 0,
      End: last,
      Enter: this.current,
      " ": this.current,
    };
    const next = to[event.key];
    if (next === undefined) return;
    this.select(next);
    this.options[next]?.focus({ preventScroll: true });
    event.preventDefault();
    event.stopPropagation();
  }

  private select(i: number): void {
    const frame = this.film?.frames[i];
    if (!frame) return;
    this.setCurrent(i);
    const { index, follower } = this.context;
    const [shown] = frame.after;
    if (frame.step < 0) {
      const [source] = this.film?.origin.sources ?? [];
      return this.goTo(null, source?.line ?? null);
    }
    const step = index.steps[frame.step];
    const inScope = follower.lineIn(step.after, shown);
    if (inScope !== null && !this.inModule(frame.step)) this.goTo(frame.step, inScope, false);
    else this.goTo(frame.step, follower.lineIn(step.module, shown), true);
  }

  /** Whether the IR pane shows whole modules: then this strip does not switch it back. */
  private inModule(step: number): boolean {
    const { steps } = this.context.index;
    const { step: now, text } = this.at;
    const shown = now === null ? undefined : steps[now];
    return shown !== undefined && text === shown.module && text !== shown.after && steps[step].scope.length > 1;
  }

  private goTo(step: number | null, line: number | null, wholeModule?: boolean): void {
    this.asked = { step, line, text: null };
    this.context.selectStep(step, line, wholeModule);
  }

  // --- cards -------------------------------------------------------------------------------

  private frame(texts: LineTexts, frame: FilmFrame, i: number): HTMLElement {
    const step = frame.step < 0 ? null : this.context.index.steps[frame.step];
    const name = step ? step.name : "as parsed";
    const where = step ? `${formatCount(frame.step + 1)} · ${phaseTitle(step.phase)}` : "input";
    const title = frameTitle(texts, frame.after);
    const lines = frameLines(frame);
    const option = h(
      "div",
      {
        class: "il-shot",
        role: "option",
        tabindex: -1,
        "aria-selected": "false",
        "aria-label": `${where}, ${name}: ${title}`,
        title: tooltip(texts, name, step?.scope ?? [], lines),
        "data-step": frame.step,
        ...KEYS,
      },
      h("div", { class: "il-shot-head" }, h("span", { class: "il-shot-name" }, name), h("span", { class: "il-muted" }, where)),
      h("div", { class: "il-shot-op" }, title),
      changes(texts, lines, frame.before.length > 0),
    );
    option.addEventListener("click", () => {
      this.select(i);
      option.focus({ preventScroll: true });
    });
    return option;
  }

  private sourceCard(sources: readonly SourceOp[]): HTMLElement {
    const card = h("section", { class: "il-shot il-shot-end", "aria-label": "Where it comes from" });
    card.append(h("div", { class: "il-shot-head" }, h("span", { class: "il-shot-name" }, "Source"), h("span", { class: "il-muted" }, plural(sources.length, "op"))));
    const list = h("div", { class: "il-shot-links" });
    for (const source of sources) {
      for (const chain of source.origins)
        list.append(h("div", { class: "il-shot-python", title: chain.map(place).join("\n") }, place(chain[0])));
      list.append(
        button(`${source.line}: ${source.text}`, { class: "il-link il-shot-line", title: source.text }, () =>
          this.goTo(null, source.line),
        ),
      );
    }
    card.append(list);
    return card;
  }

  private kernelCard(entryPoints: readonly EntryPointAtoms[]): HTMLElement {
    const card = h("section", { class: "il-shot il-shot-end", "aria-label": "Where it runs" });
    card.append(h("div", { class: "il-shot-head" }, h("span", { class: "il-shot-name" }, "Kernel"), h("span", { class: "il-muted" }, plural(entryPoints.length, "entry point"))));
    const list = h("div", { class: "il-shot-links" });
    for (const entry of entryPoints) list.append(this.kernelLink(entry), ...this.eventLinks(entry));
    card.append(list);
    return card;
  }

  private kernelLink({ entry_point, kernel }: EntryPointAtoms): HTMLElement {
    return button(kernel, { class: "il-link il-shot-line", title: entry_point }, () =>
      this.context.select(`kernel:${entry_point}`),
    );
  }

  private eventLinks({ kernel }: EntryPointAtoms): HTMLElement[] {
    const timeline = this.context.index.run?.timeline ?? [];
    const events = timeline.flatMap((event, i) => (event.kind === "dispatch" && event.entry_point === kernel ? [i] : []));
    const links = events.slice(0, SHOWN_EVENTS).map((i) => {
      const { start_ns, end_ns } = timeline[i];
      const title = `Select this run of ${kernel}`;
      return button(`event ${i} · ${formatNs(end_ns - start_ns)}`, { class: "il-link", title }, () => this.context.select(`event:${i}`));
    });
    if (events.length <= SHOWN_EVENTS) return links;
    return [...links, h("span", { class: "il-muted" }, `and ${formatCount(events.length - SHOWN_EVENTS)} more`)];
  }
}

function place({ file, line, name }: Frame): string {
  return `${file}:${line}${name ? ` (${name})` : ""}`;
}

/** What went and what came, a line each, as many as a frame has room for. */
function changes(texts: LineTexts, { gone, come }: FrameLines, changed: boolean): HTMLElement {
  const room = SHOWN_LINES - Math.min(gone.length, 2);
  const element = h("div", { class: "il-shot-lines" });
  const put = (lines: readonly FilmLine[], most: number, mark: string, kind: string) => {
    for (const line of lines.slice(0, most))
      element.append(h("div", { class: `il-shot-text ${kind}` }, h("span", { class: "il-shot-mark" }, mark), textOf(texts, line)));
    if (lines.length > most) element.append(h("div", { class: "il-muted" }, `${mark} ${plural(lines.length - most, "more line")}`));
  };
  put(gone, 2, "−", "il-shot-gone");
  put(come, room, changed ? "+" : " ", changed ? "il-shot-come" : "");
  return element;
}

function tooltip(texts: LineTexts, name: string, scope: readonly string[], { gone, come, same }: FrameLines): string {
  const lines = [...gone.map((line) => ["−", line] as const), ...come.map((line) => ["+", line] as const)];
  const shown = lines.slice(0, TOOLTIP_LINES).map(([mark, line]) => `${mark} ${textOf(texts, line)}`);
  const head = [name, scope.join(" › ")].filter(Boolean);
  const more = lines.length > TOOLTIP_LINES ? [`… ${plural(lines.length - TOOLTIP_LINES, "more line")}`] : [];
  const kept = same ? [`${plural(same, "line")} as before`] : [];
  return [...head, "", ...shown, ...more, ...kept].join("\n");
}

function textOf(texts: LineTexts, { key, line }: FilmLine): string {
  return texts.text(key, line).trim();
}
