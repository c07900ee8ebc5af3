export { toFloat32 } from "./float16";
export type { ArrayData, ArrayDtype, NdArray } from "./nd_array";
export { saveNpy } from "./npy";
export { saveSafetensors } from "./safetensors";
