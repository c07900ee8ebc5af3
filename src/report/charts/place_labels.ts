import type { Plot } from "./frame";

type Place = readonly [number, number];

/** Distance that keeps two labels, or a label and a dot, apart. */
const apart = 18;

/** A place near each point for its label, inside the plot, over no point and no other label. */
export function placeLabels(points: readonly Place[], dots: readonly Place[], plot: Plot): Place[] {
  const taken: Place[] = [];
  for (const point of points) {
    const free = candidates(point).find(
      (place) => inside(place, plot) && [...dots, ...taken].every((other) => distance(place, other) >= apart),
    );
    taken.push(free ?? candidates(point)[0]!);
  }
  return taken;
}

/** Around the point, nearest first. */
function candidates([x, y]: Place): Place[] {
  const radii = Array.from({ length: 14 }, (_, i) => 20 + 9 * i);
  const angles = Array.from({ length: 16 }, (_, i) => -Math.PI / 4 + (i * Math.PI) / 8);
  return radii.flatMap((radius) =>
    angles.map((angle) => [x + radius * Math.cos(angle), y + radius * Math.sin(angle)] as const),
  );
}

function inside([x, y]: Place, { left, top, right, bottom }: Plot): boolean {
  return x > left + 10 && x < right - 10 && y > top + 10 && y < bottom - 10;
}

function distance(a: Place, b: Place): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
