import { createHash } from "node:crypto";
import type { BenchmarkData, BenchmarkItem } from "../benchmarks";
import { imageDigests } from "../data/image_digests";

/** An item as an experiment keeps it. */
export interface ExperimentItem extends BenchmarkItem {
  /** Its id in the data, whatever the picture. */
  name: string;
}

export interface ExperimentData extends BenchmarkData {
  readonly items: readonly ExperimentItem[];
}

/** The same data, each item's id a hash of the id and of the bytes of its image file: another picture is another item. */
export async function withImageBytes(data: BenchmarkData): Promise<ExperimentData> {
  const digests = await imageDigests(
    "",
    data.items.flatMap(({ path }) => path ?? []),
  );
  const hash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);
  return {
    ...data,
    items: data.items.map((item) => ({
      ...item,
      name: item.id,
      id: hash(`${digests[item.path ?? ""] ?? null}${item.id}`),
    })),
  };
}
