/** One line of `aai doctor`. */
export interface Check {
  name: string;
  state: "ok" | "warn" | "fail";
  detail: string;
  /** What to do, where the state is not "ok". */
  remedy?: string;
}

export function ok(name: string, detail: string): Check {
  return { name, state: "ok", detail };
}

export function warned(name: string, detail: string, remedy: string): Check {
  return { name, state: "warn", detail, remedy };
}

export function failed(name: string, detail: string, remedy: string): Check {
  return { name, state: "fail", detail, remedy };
}
