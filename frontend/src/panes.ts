/** Every pane there is, in the order of its number key, and how they are arranged at first. */
import { split, stack, type Layout } from "./data/layout.ts";
import { allocationPane } from "./view/allocation_pane.ts";
import { barrierPane } from "./view/barrier_pane.ts";
import { filmPane } from "./view/film_pane.ts";
import { executablesPane } from "./view/executables_pane.ts";
import type { MakeView } from "./view/model_pane.ts";
import { schedulePane } from "./view/schedule_pane.ts";
import { streamPane } from "./view/stream_pane.ts";
import { vmPane } from "./view/vm_pane.ts";

export interface PaneSpec {
  id: string;
  /** Where it is at first: beside the IR, the details or the timeline. */
  home: "code" | "details" | "timeline";
  label: string;
  title: string;
  make: MakeView;
  /** Brings it to the front, where no number is left for it. */
  key?: string;
}

/** Panes over models; steps, IR, details and timeline are part of the app itself. */
export const MODEL_PANES: readonly PaneSpec[] = [
  { id: "streams", home: "details", label: "Streams", title: "What is scheduled when, and what depends on what", make: streamPane },
  { id: "allocation", home: "details", label: "Allocation", title: "Which bytes of memory are used when", make: allocationPane },
  { id: "barriers", home: "details", label: "Barriers", title: "What orders commands, and why", make: barrierPane },
  { id: "executables", home: "code", label: "Executables", title: "Kernels from linalg to machine code", make: executablesPane },
  { id: "follow", home: "timeline", label: "Follow", title: "One op through all steps, from the source to its kernel", make: filmPane, key: "o" },
  { id: "vm", home: "code", label: "VM", title: "The program as the VM runs it", make: vmPane },
  { id: "schedule", home: "code", label: "Schedule", title: "What other schedules would cost, in time and memory", make: schedulePane, key: "g" },
];

/** The pane that each number key goes to. */
export const PANE_ORDER = [
  "steps",
  "code",
  ...["details", ...panesAt("details")],
  "timeline",
  ...panesAt("code"),
  ...panesAt("timeline"),
];

function panesAt(home: PaneSpec["home"]): string[] {
  return MODEL_PANES.filter((pane) => pane.home === home).map(({ id }) => id);
}

export function initialLayout(hasEvents: boolean): Layout {
  const timeline = stack(["timeline", ...panesAt("timeline")]);
  if (!hasEvents) timeline.collapsed = true;
  const side = stack(["details", ...panesAt("details")]);
  const middle = split("row", [295, stack(["steps"])], [700, stack(["code", ...panesAt("code")])], [400, side]);
  return split("column", [78, middle], [22, timeline]);
}
