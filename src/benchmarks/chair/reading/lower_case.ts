/** Lower case, the same length as the text, so that offsets hold in both: "İ" alone would become two code units. */
export function lowerCase(text: string): string {
  return text.replaceAll("İ", "I").toLowerCase();
}
