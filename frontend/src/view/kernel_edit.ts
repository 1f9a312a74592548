/** Changing one kernel: its LLVM IR by hand, or the flags its executable is compiled with. */
import type { Kernel } from "../data/executables.ts";
import type { LiveSession } from "../live.ts";
import { button, h, treeOf } from "./dom.ts";
import { EditPanel } from "./edit_panel.ts";
import { textInput } from "./form.ts";
import { problemCard } from "./problem_card.ts";

/** Kept for all kernels: one tries the same flags on another one. */
let lastFlags = "";

export class KernelEdit {
  /** For the pane's toolbar. */
  readonly tools = h("span", { class: "il-tools il-kernel-tools" });
  /** What went wrong with the flags; stands under the toolbar. */
  readonly problem = h("div", {});
  private readonly edit: HTMLButtonElement;
  private readonly flags: HTMLElement;
  private panel: EditPanel | null = null;
  private kernel: Kernel | null = null;
  private asked = false;
  private programs: number;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly root: HTMLElement,
    private readonly host: HTMLElement,
    private readonly session: LiveSession,
    isUpstream: boolean,
  ) {
    this.edit = button(
      "Edit LLVM IR",
      { class: "il-toggle", "data-il": "edit-kernel", title: "Change the kernel's LLVM IR, and run the program with it" },
      () => this.open(),
    );
    const input = textInput(lastFlags, "flags: --iree-opt-level=O3", "Flags of iree-compile for this executable alone", (text) => (lastFlags = text));
    input.setAttribute("aria-label", "Flags for this executable");
    input.dataset.il = "kernel-flags";
    const again = button("Recompile", { class: "il-toggle", type: "submit", title: "Compile this executable alone with these flags, and run the program with it" }, () => {});
    const form = h("form", { class: "il-form il-kernel-flags" }, input, again);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.recompile();
    });
    this.flags = form;
    if (session.enabled) this.tools.append(this.edit, ...(isUpstream ? [form] : []));
    this.programs = session.state.programs.length;
    this.unsubscribe = session.subscribe(() => this.update());
  }

  show(kernel: Kernel): void {
    this.kernel = kernel;
    this.update();
  }

  dispose(): void {
    this.unsubscribe();
    this.panel?.dispose();
  }

  private update(): void {
    this.edit.hidden = !this.kernel?.cpu;
    this.flags.hidden = !this.kernel?.source;
    this.edit.disabled = this.session.busy;
    this.flags.querySelector("button")!.disabled = this.session.busy;
    const { problem, programs } = this.session.state;
    const mine = this.asked && problem?.where === "recompile-kernel" ? problem : null;
    this.problem.replaceChildren(...problemCard(mine, null));
    // Where it is run too, this pane starts anew with the program that ran.
    if (programs.length === this.programs) return;
    this.programs = programs.length;
    this.close();
    const made = programs[programs.length - 1];
    if (this.asked) this.problem.append(h("p", { class: "il-edit-note", role: "status" }, `Kept as a program of its own, “${made?.label}”: the Run pane runs it.`));
  }

  private open(): void {
    const { kernel } = this;
    if (!kernel?.cpu) return;
    this.close();
    this.panel = new EditPanel(treeOf(this.root), this.session, {
      title: `Edit the LLVM IR of ${kernel.entry_point.split("::").pop() ?? ""}`,
      note: "It is checked in another process. A kernel that writes where it must not can still end this one.",
      text: kernel.cpu.llvm_ir.text,
      language: "llvm",
      action: this.session.state.runs.length ? "Apply and run" : "Apply",
      where: "edit-kernel",
      onApply: (text) => {
        this.asked = true;
        this.session.ask("edit-kernel", { kernel: kernel.entry_point, text });
      },
      onCancel: () => {
        this.close();
        this.edit.focus();
      },
    });
    this.host.append(this.panel.element);
    this.panel.focus();
  }

  private close(): void {
    this.panel?.dispose();
    this.panel = null;
  }

  private recompile(): void {
    if (!this.kernel || this.session.busy) return;
    this.asked = true;
    this.session.ask("recompile-kernel", { kernel: this.kernel.entry_point, flags: lastFlags });
  }
}
