/** How a figure is printed and ranked. */
export interface FigureInfo {
  /** "%" for shares; "" for counts and means. */
  unit: "%" | "";
  /** What a value is multiplied by to be printed. */
  scale: number;
  better: "higher" | "lower";
}

/** A share from 0 to 1, printed in per cent. */
export function share(better: FigureInfo["better"]): FigureInfo {
  return { unit: "%", scale: 100, better };
}

export type Figures = Readonly<Record<string, FigureInfo>>;

/** @param name a figure's, with the split before it where it has one. @throws Error where the benchmark has no such figure */
export function figureInfo(figures: Figures, name: string): FigureInfo {
  const info = figures[name.split(" ").at(-1)!];
  if (info === undefined)
    throw new Error(`There is no figure "${name}"; expected one of ${Object.keys(figures).join(", ")}.`);
  return info;
}

export function isLowerBetter(figures: Figures, name: string): boolean {
  return figureInfo(figures, name).better === "lower";
}

/** A figure's full name among values: those of splits have their split before them, the mean of the splits where there are several. */
export function figureNamed(values: object, name: string): string {
  return Object.keys(values).findLast((full) => full === name || full.endsWith(` ${name}`)) ?? name;
}
