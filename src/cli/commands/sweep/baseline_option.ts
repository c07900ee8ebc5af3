/** Which cell the others are compared with. */
export const baselineOption = {
  type: "string",
  array: true,
  nargs: 1, // the sweep's file or folder may stand behind it
  describe:
    "Cell that all of its model are compared with, by name [each cell with the plain one of its search, prompt and seed]",
} as const;
