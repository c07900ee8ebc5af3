import { markCaption } from "../../src/benchmarks/chair/mark_caption";
import { aai, type Model, none } from "../../src/index";
import { sideBySide } from "../../src/report/caption_columns";
import { groundTruth, imageOf, prompt, search, shownAlpha } from "./world";

/** Two captions of one image, rows of one batch, drawn in columns as their tokens arrive. */
export async function showPair(model: Model, id: string): Promise<void> {
  const present = groundTruth[id]!;
  const style = {
    colour: process.stdout.isTTY === true,
    width: Math.min(process.stdout.columns ?? 100, 110),
  };
  const marking = style.colour ? "red" : "in [[brackets]]";
  console.log(`Image ${id} shows: ${present.join(", ")}. Words for what it does not show are ${marking}.\n`);

  const titles = ["plain", `AAI, alpha ${shownAlpha}`];
  const texts = ["", ""];
  const draw = () =>
    sideBySide(
      titles.map((title, i) => ({ title, parts: markCaption(texts[i]!, present) })),
      style,
    );
  let drawn = 0;
  const requests = [none, aai({ alpha: shownAlpha })].map((attention) => ({
    image: imageOf(id),
    prompt,
    attention,
  }));
  for await (const event of model.generateBatch(requests, { search })) {
    if (event.type === "row" && event.finishReason === "failed") throw event.error;
    if (event.type !== "token") continue;
    texts[event.row] += event.text;
    if (!style.colour) continue;
    const lines = draw();
    process.stdout.write(
      `${drawn > 0 ? `\x1b[${drawn}A` : ""}${lines.map((line) => `\x1b[K${line}\n`).join("")}`,
    );
    drawn = lines.length;
  }
  console.log(style.colour ? "" : `${draw().join("\n")}\n`);
}
