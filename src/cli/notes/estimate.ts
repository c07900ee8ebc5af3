import type { Estimate } from "../../experiments/estimate";

/** What a dry run prints below the cells. */
export function estimateNote(plan: Estimate, workers: number): string {
  const { cells, items, images, rows, prefillsSaved, bytes, tokensPerSecond } = plan;
  const asked = items === images ? `${images} images` : `${items} questions about ${images} images`;
  const shared = plan.devices < workers;
  const times = new Set([plan.secondsAtBest, plan.seconds].map(duration));
  return (
    `${cells} ${cells === 1 ? "cell" : "cells"} × ${asked} = ${rows} rows, of which ${prefillsSaved} need no prefill of their own.\n` +
    `About ${[...times].join(" to ")} with ${workers} worker${workers > 1 ? "s" : ""}${shared ? ", which share a device" : ""} ` +
    `(${tokensPerSecond.toFixed(0)} tokens/s each${shared ? " at best" : ""}), ` +
    `${(bytes / 2 ** 30).toFixed(1)} GiB: measured on two images under every cell, loading left out` +
    `${workers > 1 ? ", one worker at work" : ""}.`
  );
}

function duration(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;
}
