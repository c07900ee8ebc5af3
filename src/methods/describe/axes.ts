/** The three axes: what a description becomes on each. */
import { type Description, describe, type Kept, type Method, type Options, type Parameters } from "./method";

type Given<Name extends string, P extends Parameters> = Omit<
  Description<Name, P>,
  "combines" | "needsImage"
> & {
  /** What it works with, as far as that is not true of the whole axis. */
  combines?: string;
  needsImage?: boolean;
};

/** An attention edit as plain data. */
export interface Edit<Name extends string, P extends Parameters> {
  parameters: Kept<Name, P>;
  /** A reference of the caller's own, one value per image token. */
  reference?: Float32Array;
}

/** Makes an edit of options; what it is stands in `method`. */
export interface EditFactory<Name extends string, P extends Parameters, Extra> {
  /** @throws ParameterError */
  (options?: Options<P> & Extra): Edit<Name, P>;
  readonly method: Method<Name, P>;
}

/** Makes a contrast or a search of options; what it is stands in `method`. */
export interface Factory<Name extends string, P extends Parameters> {
  /** @throws ParameterError */
  (options?: Options<P>): Kept<Name, P>;
  readonly method: Method<Name, P>;
}

export interface WithReference {
  /** A reference of one's own, one value per image token, instead of the image's. */
  reference?: Float32Array;
}

const everyEdit =
  "Any contrast (it edits the main stream only), any search, and other edits: they apply in the order given.";
const everyContrast = "Any attention edit (on the main stream only) and any search.";

/** What is done to the pre-softmax attention logits x of image keys. @param takesReference whether the caller may bring one */
export function attention<const Name extends string, P extends Parameters>(
  given: Given<Name, P> & { takesReference: true },
): EditFactory<Name, P, WithReference>;
export function attention<const Name extends string, P extends Parameters>(
  given: Given<Name, P>,
): EditFactory<Name, P, unknown>;
export function attention<const Name extends string, P extends Parameters>(
  given: Given<Name, P> & { takesReference?: boolean },
): EditFactory<Name, P, WithReference> {
  const { takesReference: _, combines, ...description } = given;
  const method = describe<Name, P>("attention", {
    needsImage: true,
    ...description,
    combines: combines === undefined ? everyEdit : `${everyEdit} ${combines}`,
  });
  const create = ({ reference, ...options }: Options<P> & WithReference = {}) => ({
    parameters: method.create(options as Options<P>),
    ...(reference && { reference }),
  });
  return Object.assign(create, { method });
}

/** What the logits are contrasted with. */
export function contrast<const Name extends string, P extends Parameters>(
  given: Given<Name, P>,
): Factory<Name, P> {
  const { combines, ...description } = given;
  const method = describe<Name, P>("contrast", {
    needsImage: true,
    ...description,
    combines: combines === undefined ? everyContrast : `${everyContrast} ${combines}`,
  });
  return Object.assign((options: Options<P> = {}) => method.create(options), { method });
}

/** How tokens are picked. */
export function search<const Name extends string, P extends Parameters>(
  given: Given<Name, P> & { combines: string },
): Factory<Name, P> {
  const method = describe<Name, P>("search", { needsImage: false, ...given });
  return Object.assign((options: Options<P> = {}) => method.create(options), { method });
}
