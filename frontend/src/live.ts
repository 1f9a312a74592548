/** The page's side of the kernel that runs and compiles: what it says, and requests to it. */
import type { CompileDraft, JobState, LiveState, RunDraft } from "./data/live.ts";
import { steppedCall, type SteppedCall } from "./data/vm_stepping.ts";
import type { MessageModel } from "./requests.ts";

export interface LiveModel extends MessageModel {
  get(name: "live"): Partial<LiveState>;
  get(name: "job"): JobState;
  get(name: "stepping"): Partial<SteppedCall>;
}


const NOTHING: LiveState = {
  compilations: [],
  compilation: 0,
  programs: [],
  functions: [],
  runs: [],
  run: 0,
  boundaries: {},
  options: null,
  problem: null,
};

/** The views of each call that is stepped through, by its session: the last one to go ends it. */
const watching = new Map<string, Set<LiveSession>>();

export class LiveSession {
  /** What is written in the forms; it outlives the panes, which another compilation replaces. */
  runDraft: RunDraft | null = null;
  compileDraft: CompileDraft | null = null;
  mode: "run" | "compile" = "run";
  private readonly listeners = new Set<() => void>();
  private watched = "";
  private readonly tell = () => {
    this.watch(this.stepping?.session ?? "");
    for (const listener of [...this.listeners]) listener();
  };

  constructor(
    private readonly model: LiveModel,
    /** Whether there is a kernel at all. */
    private readonly connected: boolean,
  ) {
    model.on("change:live", this.tell);
    model.on("change:job", this.tell);
    model.on("change:stepping", this.tell);
    this.watch(this.stepping?.session ?? "");
  }

  /** False in a saved page, and for a model alone in its cell. */
  get enabled(): boolean {
    return this.connected && Boolean(this.model.get("live")?.compilations);
  }

  get state(): LiveState {
    return { ...NOTHING, ...this.model.get("live") };
  }

  get job(): JobState {
    return this.model.get("job") ?? {};
  }

  /** The call that the VM pane steps through. */
  get stepping(): SteppedCall | null {
    return steppedCall(this.model.get("stepping"));
  }

  get busy(): boolean {
    return this.job.title !== undefined;
  }

  ask(action: string, request: Record<string, unknown> = {}): void {
    this.model.send({ type: "live", do: action, ...request });
  }

  /** Calls `listener` whenever something has changed; returns how to end that. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  dispose(): void {
    this.model.off("change:live", this.tell);
    this.model.off("change:job", this.tell);
    this.model.off("change:stepping", this.tell);
    this.listeners.clear();
    // The cell was run again, or its output cleared: nobody could go on with the call.
    if (this.watch("")) this.ask("vm", { op: "end" });
  }

  /** Takes part in a session and leaves the one before; whether that has no view any more. */
  private watch(session: string): boolean {
    if (session === this.watched) return false;
    const before = watching.get(this.watched);
    before?.delete(this);
    const last = before?.size === 0;
    if (last) watching.delete(this.watched);
    this.watched = session;
    if (session) watching.set(session, (watching.get(session) ?? new Set<LiveSession>()).add(this));
    return last;
  }
}
