export type { ImageChoice } from "./chosen_images";
export { chooseIds, type ImageIds, imageIdOf, readIds } from "./ids";
export { type ImageFolder, imageFolder } from "./image_folder";
