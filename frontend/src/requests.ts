/** Asks the other side for models, one message each way: {type, name} and {type, name, error}. */
import { ModelAbsent } from "./data/models.ts";

export interface Reply {
  type: string;
  name: string;
  /** Why there is no such model; "" when the buffer holds it. */
  absent: string;
  /** What went wrong while it was computed. */
  error: string;
}

export interface MessageModel {
  on(name: string, listener: (...args: never[]) => void): void;
  off(name: string, listener: (...args: never[]) => void): void;
  send(content: Record<string, unknown>): void;
}

interface Waiting {
  resolve: (bytes: Uint8Array) => void;
  reject: (error: Error) => void;
}

export class ModelRequests {
  private readonly waiting = new Map<string, Waiting>();
  private readonly listener = (content: Reply, buffers: DataView[]) => this.receive(content, buffers);

  constructor(private readonly model: MessageModel) {
    model.on("msg:custom", this.listener);
  }

  fetch(name: string): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.waiting.set(name, { resolve, reject });
      this.model.send({ type: "model", name });
    });
  }

  dispose(): void {
    this.model.off("msg:custom", this.listener);
    for (const { reject } of this.waiting.values()) reject(new Error("The explorer was closed."));
    this.waiting.clear();
  }

  private receive(content: Reply, buffers: DataView[]): void {
    if (content?.type !== "model") return;
    const asked = this.waiting.get(content.name);
    if (!asked) return;
    this.waiting.delete(content.name);
    const [view] = buffers;
    if (content.absent) asked.reject(new ModelAbsent(content.absent));
    else if (content.error || !view) asked.reject(new Error(content.error || "No data came back."));
    else asked.resolve(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }
}
