/** What the VM pane needs of stepping, whether the kernel executes or a page replays a record. */

export interface VmStepsEvents {
  /** The instruction that runs next; null: the call has ended. */
  onMove: (id: string | null) => void;
  /** Breakpoints are others. */
  onChange: () => void;
  /** The instruction that is chosen in the list. */
  chosen: () => string | null;
}

export interface VmStepping {
  readonly bar: HTMLElement;
  readonly panel: HTMLElement;
  /** Instructions with a breakpoint. */
  readonly breakpoints: ReadonlySet<string>;
  readonly open: boolean;
  /** The instruction that runs next, while stepping. */
  readonly now: string | null;
  /** That instruction has failed. */
  readonly failed: boolean;
  /** Shows the call that is stepped through already; once the pane is there. */
  attach(): void;
  toggle(): void;
  toggleBreakpoint(id: string): void;
  /** Whether the key was one of these. */
  onKey(event: KeyboardEvent): boolean;
  dispose(): void;
}
