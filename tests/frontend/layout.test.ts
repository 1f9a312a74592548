import assert from "node:assert/strict";
import { test } from "node:test";
import { canGo, go, historyOf, refine, visit } from "../../frontend/src/data/history.ts";
import {
  activate,
  addTab,
  narrowed,
  panesOf,
  place,
  readLayout,
  resize,
  setCollapsed,
  split,
  stack,
  stackOf,
  stacksOf,
  visiblePanes,
  without,
  type Layout,
} from "../../frontend/src/data/layout.ts";

const KNOWN = ["a", "b", "c", "d", "e"];
const LAYOUT: Layout = split(
  "column",
  [3, split("row", [1, stack(["a"])], [2, stack(["b", "c"])])],
  [1, stack(["d", "e"], "e")],
);

/** What must hold of any arrangement: every pane once, no empty stack, no split of one child. */
function check(layout: Layout, panes: readonly string[] = KNOWN): void {
  assert.deepEqual([...panesOf(layout)].sort(), [...panes].sort());
  for (const one of stacksOf(layout)) assert.ok(one.panes.includes(one.active));
  walk(layout, null);
  function walk(node: Layout, parent: string | null): void {
    if (node.kind === "stack") return;
    assert.notEqual(node.kind, parent, "nested splits of one kind are one split");
    assert.ok(node.children.length > 1);
    assert.equal(node.children.length, node.sizes.length);
    for (const child of node.children) walk(child, node.kind);
  }
}

test("any pane can go anywhere", () => {
  for (const pane of KNOWN)
    for (const target of KNOWN) {
      for (const side of ["left", "right", "above", "below"] as const)
        check(place(LAYOUT, pane, target, side));
      check(addTab(LAYOUT, pane, target));
    }
});

test("a pane moved beside another stands on the side asked for", () => {
  const moved = place(LAYOUT, "e", "a", "right");
  assert.deepEqual(stacksOf(moved).map((one) => one.panes), [["a"], ["e"], ["b", "c"], ["d"]]);
  const below = place(LAYOUT, "b", "b", "below");
  assert.deepEqual(stacksOf(below).map((one) => one.panes), [["a"], ["c"], ["b"], ["d", "e"]]);
});

test("tabs: before another, last, and to the front", () => {
  assert.deepEqual(stackOf(addTab(LAYOUT, "a", "c", "c"), "a")?.panes, ["b", "a", "c"]);
  assert.deepEqual(stackOf(addTab(LAYOUT, "a", "c"), "a")?.panes, ["b", "c", "a"]);
  assert.deepEqual(visiblePanes(LAYOUT), ["a", "b", "e"]);
  assert.deepEqual(visiblePanes(activate(LAYOUT, "c")), ["a", "c", "e"]);
  const closed = setCollapsed(LAYOUT, "d", true);
  assert.deepEqual(visiblePanes(closed), ["a", "b"]);
  assert.deepEqual(visiblePanes(activate(closed, "d")), ["a", "b", "d"], "activating opens");
});

test("closing panes, down to the last", () => {
  let layout: Layout | null = LAYOUT;
  for (const pane of ["b", "a", "e", "d"]) {
    layout = without(layout!, pane);
    check(layout!, KNOWN.filter((one) => panesOf(layout!).includes(one)));
  }
  assert.deepEqual(layout, stack(["c"]));
  assert.equal(without(layout!, "c"), null);
});

test("narrow cells stack the panes and lose none", () => {
  const narrow = narrowed(place(LAYOUT, "e", "d", "right"));
  check(narrow);
  assert.equal(narrow.kind, "column");
  assert.deepEqual(stacksOf(narrow).map((one) => one.panes), [["a"], ["b", "c"], ["d", "e"]]);
});

test("a layout survives JSON; nonsense is refused or mended", () => {
  assert.deepEqual(readLayout(JSON.parse(JSON.stringify(LAYOUT)), KNOWN), LAYOUT);
  assert.deepEqual(readLayout(LAYOUT, ["b"]), stack(["b"]));
  assert.equal(readLayout({}, KNOWN), null);
  assert.equal(readLayout({ kind: "stack", panes: ["x"] }, KNOWN), null);
  const twice = { kind: "row", children: [stack(["a", "b"]), stack(["b", "c"])], sizes: ["x", -1] };
  assert.deepEqual(readLayout(twice, KNOWN), split("row", [1, stack(["a", "b"])], [1, stack(["c"])]));
});

test("sizes belong to one split", () => {
  const resized = resize(LAYOUT, [0], [5, 6]);
  assert.equal(resized.kind === "column" && resized.sizes[0], 3);
  assert.deepEqual(resized.kind === "column" && resized.children[0].kind === "row" && resized.children[0].sizes, [5, 6]);
  assert.deepEqual(resize(LAYOUT, [0], [1, 2, 3]), LAYOUT, "of another number of children");
});

test("history: back, forward, and a new branch", () => {
  const same = (a: number, b: number) => a === b;
  let history = historyOf(0);
  for (const value of [1, 1, 2, 3]) history = visit(history, value, same);
  history = go(go(history, -1), -1);
  assert.equal(history.entries[history.at], 1);
  assert.ok(canGo(history, 1) && canGo(history, -1));
  history = visit(refine(history, 10), 9, same);
  assert.deepEqual(history.entries, [0, 10, 9]);
  assert.ok(!canGo(history, 1));
});
