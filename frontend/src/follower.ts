/** Follows ops through the steps: the model `provenance` joined with the texts that the page has. */
import { FilmMaker, type Film, type FilmLine, type FilmStart } from "./data/film.ts";
import type { Models } from "./data/models.ts";
import type { TextStore } from "./data/payload.ts";
import { pieceAt, type PieceList, type Pieces } from "./data/pieces.ts";
import { Provenance, type Origin, type PhaseRate, type ProvenanceModel } from "./data/provenance.ts";
import type { Index } from "./data/types.ts";

interface Ready {
  provenance: Provenance;
  pieces: Pieces;
  maker: FilmMaker;
}

/** A line of the text that is shown of a step; null: of the source. */
export interface ShownLine {
  step: number | null;
  line: number;
  text: number | null;
}

export class Follower {
  private making: Promise<void> | null = null;
  private ready: Ready | null = null;
  private lists = new Map<number, PieceList>();

  constructor(
    private readonly index: Index,
    private readonly texts: TextStore,
    private readonly models: Models,
  ) {}

  /** Whether ops can be followed without waiting. */
  get loaded(): boolean {
    return this.ready !== null;
  }

  get rates(): readonly PhaseRate[] {
    return this.ready?.provenance.model.rates ?? [];
  }

  /** Fetches what following needs; rejects with why it cannot be had, and can be asked again. */
  load(): Promise<void> {
    this.making ??= this.make().catch((error: unknown) => {
      this.making = null;
      throw error;
    });
    return this.making;
  }

  film(shown: ShownLine): Film | null {
    const start = this.start(shown);
    return start && this.ready!.maker.make(start);
  }

  /** Where a line comes from and which kernels it leads to, without following it. */
  origin(shown: ShownLine): Origin | null {
    const start = this.start(shown);
    return start && this.ready!.maker.origin(start);
  }

  /** The line of a text (from 1) that shows a line of a film; null where the text lacks it. */
  lineIn(text: number | null, { key, line }: FilmLine): number | null {
    const placed = text === null || text < 0 ? undefined : this.list(text).byKey.get(key);
    return placed ? placed.first + line : null;
  }

  private start({ step, line, text }: ShownLine): FilmStart | null {
    if (!this.ready) return null;
    if (step === null) return { source: line };
    const place = text === null ? null : pieceAt(this.list(text), line);
    return place && { step, text: text!, ...place };
  }

  private list(text: number): PieceList {
    let list = this.lists.get(text);
    if (!list) {
      if (this.lists.size > 16) this.lists.clear();
      this.lists.set(text, (list = this.ready!.pieces.list(text)));
    }
    return list;
  }

  private async make(): Promise<void> {
    const provenance = new Provenance(await this.models.get<ProvenanceModel>("provenance"));
    const pieces = await this.texts.pieces((key) => provenance.lineCount(key));
    this.ready = { provenance, pieces, maker: new FilmMaker(this.index, provenance, pieces) };
  }
}
