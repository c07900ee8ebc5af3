/** Methods of the user's own: declared in a Python file, told by a worker that has loaded it. */
export { type PluginContrast, type PluginContrastOptions, PluginContrastParameters } from "./contrast";
export { LoadedPlugin, PluginDeclaration, PluginParameter, PluginValue } from "./declaration";
export { type PluginEdit, type PluginEditOptions, PluginEditParameters } from "./edit";
export { Plugin } from "./plugin";
