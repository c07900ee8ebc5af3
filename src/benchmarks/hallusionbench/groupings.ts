export type HallusionGrouping = "official" | "vlmevalkit";

export interface Grouping {
  source: string;
  /** Whether questions without a figure count, and a reply to them that is neither yes nor no is right. */
  textOnly: boolean;
}

/** Which rows aAcc and qAcc are of. fAcc is of rows with a figure in both. */
export const HALLUSION_GROUPINGS: Record<HallusionGrouping, Grouping> = {
  official: { source: "tianyi-lab/HallusionBench evaluation.py: all 1,129 rows", textOnly: true },
  vlmevalkit: {
    source: "VLMEvalKit Hallusion_rating, lmms-eval hallusion_bench_image: the 951 rows with a figure",
    textOnly: false,
  },
};
