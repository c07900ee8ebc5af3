export {
  type BootstrapOptions,
  bootstrap,
  differences,
  type Interval,
  type Intervals,
  pairedBootstrap,
} from "./bootstrap";
export { holm, mcnemar, wilcoxon } from "./significance";
export { type MetricValues, type Tally, totals } from "./tally";
