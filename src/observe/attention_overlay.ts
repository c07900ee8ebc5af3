import { toFloat32 } from "../arrays";
import { markCaption } from "../benchmarks/chair/mark_caption";
import type { GenerateResult, ImageInput, Model } from "../client";
import { type AttentionMethod, greedy, none } from "../methods";
import type { CaptionPart } from "../report/caption_part";
import { overlayFigure } from "../report/overlay";

export interface AttentionOverlayRequest {
  model: Model;
  image: ImageInput;
  prompt: string;
  attention: AttentionMethod;
  /** How the edited panel is called, such as "AAI, alpha 0.1". */
  label: string;
  /** Classes in the image: object words are marked by them. Absent: nothing is marked. */
  present?: readonly string[];
  maxNewTokens?: number;
}

/** Both answers, and the figure that compares them. */
export interface AttentionOverlay {
  svg: string;
  plain: GenerateResult;
  edited: GenerateResult;
}

/**
 * Writes the answer plain and with an attention edit, and lays over the image what the vision encoder attends to and
 * what the decoder attended to: the mean over layers, heads, and the tokens written after the warm-up.
 */
export async function attentionOverlay(request: AttentionOverlayRequest): Promise<AttentionOverlay> {
  const { model, image, prompt, attention, label, present, maxNewTokens } = request;
  const { mode, warmup } =
    attention.parameters.method === "aai"
      ? attention.parameters
      : ({ mode: "released", warmup: -1 } as const);
  const reference = await model.extractVision(image, { mode });
  const { tokenGrid } = reference;
  if (tokenGrid === null)
    throw new TypeError(
      `The image tokens of ${model.description.family} have no place in the picture, so their attention cannot be drawn on it.`,
    );
  const { first, rows, columns } = tokenGrid;
  const onPicture = (values: Float32Array) => {
    // Shikra's released reference begins with a value for a token that is no image key.
    const start = first - (reference.values.length - values.length);
    return values.subarray(start, start + rows * columns);
  };
  const write = (edit: typeof none | AttentionMethod) =>
    model
      .generate({
        image,
        prompt,
        attention: edit,
        capture: { heads: "mean" },
        search: greedy({ maxNewTokens: maxNewTokens ?? 128 }),
      })
      .result();
  const plain = await write(none);
  const edited = await write(attention);
  const caption = (text: string): CaptionPart[] => (present ? markCaption(text, present) : [{ text }]);
  const layers = edited.attestation[0]?.layers ?? [];
  const svg = overlayFigure({
    title: prompt,
    picture: reference.picture,
    grid: [rows, columns],
    panels: [
      { title: "Image, as the model sees it" },
      {
        title: `Vision encoder, layer ${model.description.visionTower.referenceLayer}`,
        values: onPicture(reference.values),
      },
      {
        title: "Decoder, plain",
        values: onPicture(meanAttention(plain, warmup)),
        caption: caption(plain.text),
      },
      {
        title: `Decoder, ${label}`,
        values: onPicture(meanAttention(edited, warmup)),
        caption: caption(edited.text),
      },
    ],
    note:
      `Decoder: attention on image tokens, mean over ${model.description.crossLayers.length > 0 ? "the cross-attention" : "all"} layers, heads and the tokens after the warm-up; edited in ${named(layers)}. ` +
      "Each map is brightest at six times its own mean.",
  });
  return { svg, plain, edited };
}

function named(layers: readonly number[]): string {
  const [first, last] = [layers[0], layers.at(-1)];
  if (first === undefined || last === undefined) return "no layer";
  if (first === last) return `layer ${first}`;
  return layers.length === last - first + 1 ? `layers ${first}–${last}` : `layers ${layers.join(", ")}`;
}

/** Mean attention per image token over layers, heads and every token that an edit could reach. */
function meanAttention({ attention }: GenerateResult, warmup: number): Float32Array {
  const late = attention.filter(({ step }) => step > warmup);
  const events = late.length > 0 ? late : attention;
  const keys = events[0]?.map.shape.at(-1) ?? 0;
  const sum = new Float32Array(keys);
  for (const { map } of events) {
    const values = toFloat32(map);
    for (let i = 0; i < values.length; i++) sum[i % keys]! += values[i]!;
  }
  return sum.map((value) => value / Math.max(events.length, 1));
}
