import assert from "node:assert/strict";
import { test } from "node:test";
import {
  aliveAt,
  blockAt,
  commandBeside,
  figuresOf,
  idleText,
  queryOf,
  Simulations,
  summaryOf,
  type Schedule,
  type Settings,
  type Simulation,
} from "../../frontend/src/data/schedule.ts";
import { placeAt, scheduleHeight, topOf } from "../../frontend/src/view/schedule_draw.ts";

const SETTINGS: Settings = { units: 4, queues: 2, invocations: 2, in_flight: 2, submit_ns: 0, barrier_ns: 0, packed: true };

/** Two commands, called twice: the first takes two units of four, the second all. */
function schedule(policy: string): Schedule {
  const command = (index: number, invocation: number, start_ns: number, end_ns: number) => ({
    command: index, invocation, queue: 0, submitted_ns: 0, start_ns, end_ns,
  });
  return {
    policy, makespan_ns: 600, lower_bound_ns: 600, utilisation: 0.75, busy_ns: 1800,
    idle_ns: { dependence: 400, barrier: 0, queue: 0, host: 200, drain: 2 },
    latencies_ns: [300, 300], interval_ns: 300, peak_bytes: 2048, reserved_bytes: null, copies: 1,
    commands: [command(7, 0, 0, 100), command(5, 0, 100, 300), command(7, 1, 300, 400), command(5, 1, 400, 600)],
    blocks: [[0, 0, 2, 0, 100], [1, 0, 4, 100, 300], [2, 0, 2, 300, 400], [3, 0, 4, 400, 600]],
    submissions: [[0, 0, 0], [1, 300, 300]],
    memory: [[0, 1024], [100, 2048], [300, 1024], [400, 2048], [600, 0]],
  };
}

function simulation(units: number, others: Simulation[] = []): Simulation {
  const command = (index: number, name: string) => ({ command: index, name, kind: "dispatch", workgroups: 2, times: "assumed", work_ns: 200, alone_ns: 100 });
  return {
    function: "main", settings: { ...SETTINGS, units }, work_ns: 1000, critical_path_ns: 300, critical_path: [7, 5],
    slab_bytes: 4096, unsized_values: 0, measured_ns: null, measured_units: null, prediction_error: null,
    commands: [command(7, "a"), command(5, "b")], schedules: [schedule("serial"), schedule("waves")], others,
  };
}

test("what runs where, and how much is alive", () => {
  const one = schedule("waves");
  assert.equal(blockAt(one, 50, 1), 0);
  assert.equal(blockAt(one, 50, 2), -1, "two units are idle");
  assert.equal(blockAt(one, 100, 3), 1, "a block ends where the next begins");
  assert.equal(blockAt(one, 600, 0), -1);
  assert.deepEqual([-1, 0, 99, 100, 599, 600].map((t) => aliveAt(one, t)), [0, 1024, 1024, 2048, 2048, 0]);
});

test("commands in the order they begin", () => {
  const one = schedule("waves");
  assert.equal(commandBeside(one, null, 1), 7);
  assert.equal(commandBeside(one, 7, 1), 5);
  assert.equal(commandBeside(one, 5, 1), 5);
  assert.equal(commandBeside(one, 5, -1), 7);
  assert.equal(commandBeside(one, 99, -1), 5, "one that this function has not");
});

test("a page offers what it holds, a kernel everything", () => {
  const known = new Simulations(simulation(4, [simulation(32)]));
  assert.deepEqual(known.values("units", SETTINGS, false), [4, 32]);
  assert.deepEqual(known.values("queues", SETTINGS, false), [2]);
  assert.ok(known.values("units", SETTINGS, true).includes(128));
  assert.equal(known.find({ ...SETTINGS, units: 32 })?.settings.units, 32);
  assert.equal(known.find({ ...SETTINGS, units: 32, packed: false }), undefined);
  assert.equal(queryOf(SETTINGS), "units=4&queues=2&invocations=2&in_flight=2&submit_ns=0&barrier_ns=0&packed=1");
});

test("figures have units", () => {
  const figures = Object.fromEntries(figuresOf(schedule("waves"), { ...schedule("serial"), makespan_ns: 900 }));
  assert.equal(figures.makespan, "600\u00a0ns");
  assert.equal(figures.speed, "1.50×");
  assert.equal(figures.peak, "2.00\u00a0KiB");
  assert.equal(figures.reserved, "");
  assert.equal(idleText(schedule("waves")), "dependence 17\u00a0%, host 8\u00a0%");
  assert.ok(!idleText(schedule("waves"), 5).includes("drain"), "less than half a percent");
  const measured = { ...simulation(4), measured_ns: 500, prediction_error: -0.025 };
  assert.ok(summaryOf(measured).includes("the run took 500\u00a0ns, waves predict −2.5 %"));
});

test("charts stand one above the other", () => {
  const one = simulation(4);
  const top = topOf(one, 1);
  assert.equal(placeAt(one, 3), null, "the axis");
  assert.deepEqual(placeAt(one, top + 2), { policy: 1, unit: -1 });
  assert.deepEqual(placeAt(one, top + 21), { policy: 1, unit: 0 });
  assert.deepEqual(placeAt(one, top + 20 + 63), { policy: 1, unit: 3 });
  assert.equal(placeAt(one, scheduleHeight(one) + 1), null);
});
