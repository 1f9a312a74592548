/** The models of a trace: each is asked for when a pane first shows it, and kept decoded. */
import { inflate, PayloadError } from "./payload.ts";

/** Why there is no such model, in words for the user. */
export class ModelAbsent extends Error {}

/** Fetches the gzip-compressed JSON of one model: from the kernel, or from the page itself. */
export type FetchModel = (name: string) => Promise<Uint8Array>;

export class Models {
  private readonly known = new Map<string, Promise<unknown>>();

  constructor(private readonly fetchModel: FetchModel) {}

  get<T>(name: string): Promise<T> {
    let model = this.known.get(name);
    if (!model) {
      model = this.fetchModel(name).then(decode);
      this.known.set(name, model);
      // What failed may succeed when asked again: the kernel was busy, or had gone.
      model.catch(() => this.known.delete(name));
    }
    return model as Promise<T>;
  }

  /** Of what was known under these names (and of "name/argument") another is asked for next time. */
  forget(...names: string[]): void {
    for (const key of [...this.known.keys()]) if (names.includes(key.split("/")[0])) this.known.delete(key);
  }
}

async function decode(bytes: Uint8Array): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(await inflate(bytes)));
  } catch (cause) {
    throw new PayloadError("This model's data is damaged: it is not gzip-compressed JSON.", { cause });
  }
}
