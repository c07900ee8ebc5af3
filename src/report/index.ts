/** Tables, charts and pictures of results; nothing here runs a model. */

export type { CaptionPart } from "./caption_part";
export { type HeatCell, type HeatMap, heatMap } from "./charts/heat_map";
export { type LineChart, type LinePoint, lineChart } from "./charts/line_chart";
export { type ParetoChart, type ParetoPoint, paretoChart } from "./charts/pareto_chart";
export { type OverlayFigure, type OverlayPanel, overlayFigure } from "./overlay";
export { writePng } from "./svg";
export { renderTable, type Table, type TableFormat } from "./tables";
