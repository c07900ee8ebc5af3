import type { AnswerRule } from "./yes_no";

/** VLMEvalKit's rule for all its yes/no benchmarks. Marks that it deletes join words: "yes.It is" has no word yes. */
export const wordRule: AnswerRule = {
  source: "VLMEvalKit YOrN_Extraction: one of the words yes and no, and not the other",
  read: (reply) => {
    const words = withoutMarks(reply.toLowerCase()).split(/\s+/);
    const [yes, no] = [words.includes("yes"), words.includes("no")];
    if (yes === no) return "other";
    return yes ? "yes" : "no";
  },
};

const marks = [...';/[]"{}()=+\\_-><@`,?!'];

/** A mark beside a space anywhere is deleted everywhere, and all are where a comma stands between digits. */
function withoutMarks(text: string): string {
  const hasNumber = /\p{Nd},\p{Nd}/u.test(text);
  const isDeleted = (mark: string) => hasNumber || text.includes(`${mark} `) || text.includes(` ${mark}`);
  const bare = marks.reduce((rest, mark) => rest.replaceAll(mark, isDeleted(mark) ? "" : " "), text);
  return withoutStops(bare);
}

/** Of the stops that no digit follows only the first 32 go: `re.UNICODE` is passed where Python expects a count. */
function withoutStops(text: string): string {
  let deleted = 0;
  return text.replace(/\.(?!\p{Nd})/gu, (stop) => (deleted++ < 32 ? "" : stop));
}
