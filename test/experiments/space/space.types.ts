import type { Model } from "../../../src/client";
import { space } from "../../../src/experiments/space/space";
import { sweep } from "../../../src/experiments/sweep";
import { aai, beam, greedy, none, pai, sample, vcd } from "../../../src/methods";

/** Checked by `tsc` in the gate, never run: what is marked must not compile, all else must. */
export function compiled(): void {
  space().grid({
    "attention.alpha": [0, 0.1],
    "attention.layers": [
      [2, 32],
      [8, 24],
    ],
  });
  space({ attention: pai() }).grid({ "attention.alpha": [0, 0.1] });
  space().grid({ attention: [none, aai(), pai(), [aai(), pai()]], "attention.warmup": [-1, 5] });
  space().grid({ contrast: [none, vcd()], "contrast.noiseStep": [500] });
  space({ search: sample() }).grid({ seed: [1, 2], "search.temperature": 0.7 });
  space()
    .grid({ search: [greedy(), beam()] })
    .grid({ "search.numBeams": [2, 5] });

  // @ts-expect-error a name misspelt
  space().grid({ "attention.alhpa": [0, 0.1] });
  // @ts-expect-error a value of the wrong type
  space().grid({ "attention.alpha": ["a lot"] });
  // @ts-expect-error a range of one number
  space().grid({ "attention.layers": [[2]] });
  // @ts-expect-error PAI has no beta
  space({ attention: pai() }).grid({ "attention.beta": [5] });
  // @ts-expect-error nothing is edited
  space({ attention: none }).grid({ "attention.alpha": [0.1] });
  // @ts-expect-error there is no contrast
  space().grid({ "contrast.alpha": [1] });
  // @ts-expect-error VCD has no gamma
  space({ contrast: vcd() }).grid({ "contrast.gamma": [1] });
  // @ts-expect-error greedy search has no beams
  space().grid({ "search.numBeams": [5] });
  // @ts-expect-error greedy search has no seed
  space().grid({ seed: [1] });
  // @ts-expect-error no such mode
  space().grid({ "attention.mode": ["seeed"] });
  // @ts-expect-error a search is no edit
  space().grid({ attention: [greedy()] });
  // @ts-expect-error a prompt is text
  space().grid({ prompt: [1] });
  // @ts-expect-error no such setting
  space({ attn: aai() });
}

/** As `compiled`, for axes that a sweep is given directly. */
export function compiledSweeps({
  model,
  data,
  out,
  metrics,
}: Parameters<typeof sweep>[0] & { model: Model }): void {
  const common = { model, data, out, metrics };
  sweep({ ...common, space: { "attention.alpha": [0, 0.1], "attention.layers": [[2, 32]] } });
  sweep({ ...common, attention: pai(), space: { "attention.alpha": [0, 0.1] } });
  sweep({ ...common, space: { attention: [none, aai(), pai()], "attention.alpha": [0.1], prompt: "Look." } });
  sweep({ ...common, search: sample(), space: { seed: [0, 1, 2] } });
  sweep({ ...common, space: space().grid({ "attention.alpha": [0.1] }) });

  // @ts-expect-error a name misspelt
  sweep({ ...common, space: { "attention.alhpa": [0] } });
  // @ts-expect-error a value of the wrong type
  sweep({ ...common, space: { "attention.alpha": ["much"] } });
  // @ts-expect-error PAI has no beta
  sweep({ ...common, attention: pai(), space: { "attention.beta": [5] } });
  // @ts-expect-error greedy search has no seed
  sweep({ ...common, space: { seed: [0, 1, 2] } });
  // @ts-expect-error a model or workers, not both
  sweep({ ...common, workers: [], space: {} });
  // @ts-expect-error no folder
  sweep({ model, data, metrics, space: {} });
}
