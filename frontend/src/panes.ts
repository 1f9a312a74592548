/** Every pane there is, in the order of its number key, and how they are arranged at first. */
import { split, stack, type Layout } from "./data/layout.ts";
import type { Index } from "./data/types.ts";
import { allocationPane } from "./view/allocation_pane.ts";
import { barrierPane } from "./view/barrier_pane.ts";
import { comparePane } from "./view/compare_pane.ts";
import { executablesPane } from "./view/executables_pane.ts";
import { filmPane } from "./view/film_pane.ts";
import type { MakeView } from "./view/model_pane.ts";
import { schedulePane } from "./view/schedule_pane.ts";
import type { Mode } from "./view/pane.ts";
import { streamPane } from "./view/stream_pane.ts";
import { runPane, RUN_MODES } from "./view/run_pane.ts";
import { vmPane } from "./view/vm_pane.ts";

export interface PaneSpec {
  id: string;
  /** Where it is at first: beside the IR, the details or the timeline. */
  home: "code" | "details" | "timeline";
  label: string;
  title: string;
  make: MakeView;
  /** What is said while its model is waited for, where that takes seconds. */
  waiting?: string;
  /** Brings it to the front, where no number is left for it. */
  key?: string;
  /** Where it says false there is no such pane. */
  when?: (index: Index) => boolean;
  modes?: readonly Mode[];
  /** It shows something of the run, and starts anew when another one is shown. */
  ofRun?: boolean;
}

/** Panes over models; steps, IR, details and timeline are part of the app itself. */
export const MODEL_PANES: readonly PaneSpec[] = [
  { id: "streams", home: "details", label: "Streams", title: "What is scheduled when, and what depends on what", make: streamPane, ofRun: true },
  { id: "allocation", home: "details", label: "Allocation", title: "Which bytes of memory are used when", make: allocationPane },
  { id: "barriers", home: "details", label: "Barriers", title: "What orders commands, and why", make: barrierPane, ofRun: true },
  { id: "run", home: "details", label: "Run", title: "Run and compile anew", make: runPane, modes: RUN_MODES, key: "r" },
  { id: "executables", home: "code", label: "Executables", title: "Kernels from linalg to machine code", make: executablesPane, ofRun: true },
  { id: "vm", home: "code", label: "VM", title: "The program as the VM runs it", make: vmPane, ofRun: true },
  { id: "schedule", home: "code", label: "Schedule", title: "What other schedules would cost, in time and memory", make: schedulePane, ofRun: true, key: "g" },
  { id: "compare", home: "code", label: "Compare", title: "The same step of all sides, and their numbers", make: comparePane, key: "x", when: (index) => index.compared !== null },
  { id: "follow", home: "timeline", label: "Follow", title: "One op through all steps, from the source to its kernel", make: filmPane, key: "o", waiting: "Compiling once more, to learn where each op comes from…" },
];

/** The pane that each number key goes to. */
export const PANE_ORDER = [
  "steps",
  "code",
  ...["details", ...panesAt("details")],
  "timeline",
  ...panesAt("code"),
  ...panesAt("timeline"),
].filter((pane) => pane !== "run"); // it has a letter

/** The panes that there are for an index. */
export function modelPanes(index: Index): readonly PaneSpec[] {
  return MODEL_PANES.filter(({ when }) => !when || when(index));
}

function panesAt(home: PaneSpec["home"], panes = MODEL_PANES): string[] {
  return panes.filter((pane) => pane.home === home).map(({ id }) => id);
}

export function initialLayout(hasEvents: boolean, index: Index): Layout {
  const at = (home: PaneSpec["home"]) => panesAt(home, modelPanes(index));
  const timeline = stack(["timeline", ...at("timeline")]);
  if (!hasEvents) timeline.collapsed = true;
  const side = stack(["details", ...at("details")]);
  const code = stack(["code", ...at("code")]);
  // Who compares wants to see that first.
  if (index.compared) code.active = "compare";
  const middle = split("row", [295, stack(["steps"])], [700, code], [400, side]);
  return split("column", [78, middle], [22, timeline]);
}
