import { UsageError } from "../exit";

/**
 * Refuses flags that nobody would read.
 * @param because how the sentence ends: "beside --ids". @throws UsageError naming the first that is given
 */
export function refuseIdle<Name extends string>(
  args: Readonly<Partial<Record<Name, unknown>>>,
  flags: readonly Name[],
  because: string,
): void {
  const idle = flags.find((flag) => args[flag] !== undefined && args[flag] !== false);
  if (idle !== undefined) throw new UsageError(`--${idle} has no effect ${because}; leave it out.`);
}
