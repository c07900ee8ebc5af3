/** A progress line: redrawn in place on a terminal, a plain line now and then elsewhere. */

export interface Progress {
  /** `done` of the total, which may have changed; `note` is shown behind it. */
  update(done: number, note?: string, total?: number): void;
  end(): void;
}

/** Seconds between plain lines. */
const plainInterval = 10;

/** `already`: done before this run, which says nothing about its speed. */
export function startProgress(
  label: string,
  total: number,
  already = 0,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  const started = Date.now();
  let wanted = total;
  const line = (done: number, note = "") => {
    const seconds = (Date.now() - started) / 1000;
    const rate = (done - already) / Math.max(seconds, 1e-3);
    const left = rate > 0 && done < wanted ? `${duration((wanted - done) / rate)} left` : "";
    const speed = rate > 0 ? `${rate.toFixed(1)}/s` : "";
    return [`${done}/${wanted}`, speed, left, note].filter(Boolean).join("  ");
  };
  if (!stream.isTTY) {
    let last = started;
    return {
      update(done, note, now = wanted) {
        wanted = now;
        if (done < wanted && Date.now() - last < plainInterval * 1000) return;
        last = Date.now();
        stream.write(`${label}  ${line(done, note)}\n`);
      },
      end() {},
    };
  }
  return {
    update(done, note, now = wanted) {
      wanted = now;
      const filled = Math.round((24 * done) / Math.max(wanted, 1));
      const bar = "█".repeat(filled) + "░".repeat(24 - filled);
      const text = `${label}  ${bar}  ${line(done, note)}`.slice(0, (stream.columns ?? 80) - 1);
      stream.write(`\r\x1b[K${text}`);
    },
    end: () => void stream.write("\n"),
  };
}

function duration(seconds: number): string {
  const rounded = Math.round(seconds);
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
  return `${Math.floor(rounded / 3600)} h ${Math.round((rounded % 3600) / 60)} min`;
}
