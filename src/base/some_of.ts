/** The first of names, as an error shows them: of ten thousand nobody reads more. */
export function someOf(names: readonly unknown[], most = 10): string {
  return names.slice(0, most).join(", ") + (names.length > most ? " …" : "");
}
