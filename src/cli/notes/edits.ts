import type { AnswersAttestation, EditAttestation } from "../../experiments/store/attestation";

/** One generation, one run, or one cell of a sweep, which has a name. */
interface Attested {
  attestation?: AnswersAttestation;
  name?: string;
}

/** Says on stderr, once, what no answer and no figure shows: that an edit aligned with nothing, or never acted. */
export function noteEdits(all: readonly Attested[]): void {
  const constant = all.filter((one) => editsOf(one).some(({ constantReferences }) => constantReferences > 0));
  if (constant.length > 0) {
    const where = cells(constant) || rows(constant[0]!);
    console.error(
      `aai: the vision reference has the same value for every image token${where}, so the edit aligned with nothing; ` +
        "--reference-mode corrected takes what was meant.",
    );
  }
  const idle = all.filter((one) => editsOf(one).some(isIdle));
  if (idle.length > 0) {
    const methods = new Set(idle.flatMap((one) => editsOf(one).filter(isIdle)).map(({ method }) => method));
    console.error(
      `aai: no step of any row was edited by ${[...methods].join(" or ")}${cells(idle)}: every answer ended within its warm-up; ` +
        "--warmup -1 edits from the first token on.",
    );
  }
}

const isIdle = ({ rowsEdited }: EditAttestation) => rowsEdited === 0;

function editsOf({ attestation }: Attested): EditAttestation[] {
  return attestation?.edits ?? [];
}

/** Cells that are named. */
const shown = 3;

function cells(meant: readonly Attested[]): string {
  const names = meant.flatMap(({ name }) => name ?? []);
  if (names.length === 0) return "";
  const some = names.slice(0, shown).join("; ") + (names.length > shown ? "; …" : "");
  return ` in ${names.length === 1 ? "the cell" : `${names.length} cells`} (${some})`;
}

/** Nothing where it is so in all of them. */
function rows(one: Attested): string {
  const { constantReferences, rows } = editsOf(one).find((edit) => edit.constantReferences > 0)!;
  return constantReferences < rows ? ` in ${constantReferences} of ${rows} rows` : "";
}
