import { groups } from "../../base/groups";
import { type Deferred, deferred } from "../../bridge/deferred";
import type { RowTask } from "./row_task";

/** Rows of one image, which share its vision pass and its prefill. */
interface Group {
  tasks: RowTask[];
  /** How many workers died with it. */
  deaths: number;
}

/** Work lent to one worker. */
export interface Lease {
  tasks: readonly RowTask[];
  groups: readonly Group[];
}

/** Rows of a lease: few enough to hold their images, and towards the end enough to fill a batch. */
const most = 512;
const least = 16;
/** After so many deaths an image is given up. */
const patience = 3;

/** Work waiting to be done, handed out image by image; what a dead worker leaves undone is handed out again. */
export class Leases {
  readonly #workers: number;
  #waiting: Group[];
  #out = new Set<Lease>();
  #changed: Deferred<void> = deferred();

  constructor(tasks: readonly RowTask[], workers: number) {
    this.#workers = workers;
    this.#waiting = groups(tasks, ({ key, request }) => String(request.image ?? key)).map((group) => ({
      tasks: group,
      deaths: 0,
    }));
  }

  /** The next piece of work, waited for while others might give theirs back; undefined once all is done. */
  async take(): Promise<Lease | undefined> {
    while (this.#waiting.length === 0 && this.#out.size > 0) await this.#changed.promise;
    const taken = this.#next();
    if (taken.length === 0) return undefined;
    const lease = { tasks: taken.flatMap(({ tasks }) => tasks), groups: taken };
    this.#out.add(lease);
    return lease;
  }

  /** The lease was served. */
  finish(lease: Lease): void {
    this.#out.delete(lease);
    this.#change();
  }

  /** The worker died: what it left undone waits again. Returns what is given up, because too many died of it. */
  giveBack(lease: Lease, isDone: (task: RowTask) => boolean): RowTask[] {
    const undone = lease.groups.map(({ tasks, deaths }) => ({
      tasks: tasks.filter((task) => !isDone(task)),
      deaths: deaths + 1,
    }));
    const left = undone.filter(({ tasks }) => tasks.length > 0);
    this.#waiting.unshift(...left.filter(({ deaths }) => deaths < patience));
    this.finish(lease);
    return left.filter(({ deaths }) => deaths >= patience).flatMap(({ tasks }) => tasks);
  }

  /** An image that a worker died with goes alone: if it dies again, one knows of what. */
  #next(): Group[] {
    const [first] = this.#waiting;
    if (first !== undefined && first.deaths > 0) return this.#waiting.splice(0, 1);
    const count = (all: readonly Group[]) => all.reduce((sum, { tasks }) => sum + tasks.length, 0);
    const share = Math.ceil(count(this.#waiting) / (this.#workers === 1 ? 1 : 2 * this.#workers));
    const wanted = Math.min(most, Math.max(least, share));
    let end = 0;
    for (let rows = 0; end < this.#waiting.length && rows < wanted; end++) {
      if (this.#waiting[end]!.deaths > 0) break;
      rows += this.#waiting[end]!.tasks.length;
    }
    return this.#waiting.splice(0, end);
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = deferred();
  }
}
