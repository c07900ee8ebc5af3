import { type Attention, aai, type Contrast, greedy, none, type Search } from "../../methods";
import {
  isNeutralContrast,
  varyAttention,
  varyContrast,
  varySearch,
  withoutNeutral,
} from "../../methods/registry";

/** One decoding, whole. What is undefined is known once the data and a model are. */
export interface Settings {
  /** undefined: `none`, or AAI once one of its parameters is varied. */
  attention: Attention | undefined;
  contrast: Contrast | typeof none;
  search: Search;
  /** The question; `{question}` stands for that of the data, where the data ask one. undefined: the data's default. */
  prompt: string | undefined;
  template: string;
  /** undefined: the model that the sweep was given. */
  checkpoint: string | undefined;
}

export const defaults: Settings = {
  attention: undefined,
  contrast: none,
  search: greedy(),
  prompt: undefined,
  template: "chat",
  checkpoint: undefined,
};

/** A setting as a whole, or one parameter of a method: `attention`, `attention.alpha`, `seed`. */
export const wholes = ["checkpoint", "attention", "contrast", "search", "prompt", "template"] as const;

/** The settings with what `path` names changed; undefined where they have no such parameter. @throws ParameterError */
export function assign(settings: Settings, path: string, value: unknown): Settings | undefined {
  if ((wholes as readonly string[]).includes(path)) return { ...settings, [path]: value };
  const [part, name = ""] = path === "seed" ? ["search", "seed"] : path.split(/\.(.*)/s);
  switch (part) {
    case "attention": {
      const attention = varyAttention(settings.attention ?? aai(), name, value);
      return attention && { ...settings, attention };
    }
    case "contrast": {
      const contrast = settings.contrast === none ? undefined : varyContrast(settings.contrast, name, value);
      return contrast && { ...settings, contrast };
    }
    case "search": {
      const search = varySearch(settings.search, name, value);
      return search && { ...settings, search };
    }
    default:
      return undefined;
  }
}

/** The same decoding with nothing in it that changes nothing: neutral edits and contrasts are none at all. */
export function withoutIdle(settings: Settings): Settings {
  const { attention = none, contrast } = settings;
  return {
    ...settings,
    attention: withoutNeutral(attention),
    contrast: contrast === none || isNeutralContrast(contrast) ? none : contrast,
  };
}

/** The decoding with neither edit nor contrast: what the others are compared with. */
export function plain(settings: Settings): Settings {
  return { ...settings, attention: none, contrast: none };
}

/** Whether a method of the user's own is in it. */
export function isOwn({ attention = none, contrast }: Settings): boolean {
  const edits = [attention].flat().filter((edit) => edit !== none);
  return (
    edits.some(({ parameters }) => parameters.method === "plugin") ||
    (contrast !== none && contrast.method === "plugin")
  );
}

export function isPlain({ attention, contrast }: Settings): boolean {
  return attention === none && contrast === none;
}
