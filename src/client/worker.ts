import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { NdArray } from "../arrays/nd_array";
import { packageRoot } from "../base/package_root";
import { Connection, type ReadyInfo, type WorkerStats } from "../bridge/connection";
import { WorkerError } from "../bridge/errors";
import { bundledPythonPath, local } from "../bridge/launch/local";
import { resolveModel } from "../environment/published_models";
import { findPython } from "../environment/python";
import { Plugin } from "../methods/plugin";
import { call } from "./call";
import { Model } from "./model";

export interface WorkerOptions {
  /** "auto" (default: CUDA, else Apple's MPS, else CPU), "cpu", "cuda", "cuda:1" … */
  device?: string;
  /** CPU threads of the worker. Default: PyTorch's choice. */
  threads?: number;
  /** The Python interpreter. Default: AAI_PYTHON, else the environment that `aai setup` made. */
  python?: string;
  /** More environment variables for the worker, such as CUDA_VISIBLE_DEVICES. */
  env?: Record<string, string>;
  /** Seconds a worker may take to import PyTorch and be ready. Default 180. */
  startTimeout?: number;
  /** Seconds without any sign of life after which a worker is given up. Default 60. */
  heartbeatTimeout?: number;
  /** Seconds without progress (no decoding step) after which a busy worker is given up. Default 300. */
  stallTimeout?: number;
  /** Close the worker on SIGINT and SIGTERM: once gracefully, twice at once. Default true. */
  handleSignals?: boolean;
  /** Python files of your own, loaded as by `loadPlugin`: for workers that are started again when one has died. */
  plugins?: readonly string[];
  /** Receives every line that the worker prints. */
  onLog?: (line: string) => void;
  /** Ends the worker where it is still starting; `close` does it later. */
  signal?: AbortSignal;
}

export interface LoadOptions {
  /**
   * "auto" (default): the checkpoint's own on a GPU, float32 on a CPU. "int8" and "nf4" quantise the decoder's weights
   * on loading (CUDA and bitsandbytes needed); the vision tower, whose attention is the reference, keeps its own.
   */
  dtype?: "auto" | "float32" | "float16" | "bfloat16" | "int8" | "nf4";
  /**
   * "auto" spreads a model that fits no single GPU over all that the worker sees (CUDA_VISIBLE_DEVICES), layer by layer,
   * as transformers' `device_map` does. Default: the worker's device alone.
   */
  deviceMap?: "auto";
  /** Commit, tag or branch of a hub repository. */
  revision?: string;
  /** Never ask the hub. Default: only where a file is not there. */
  offline?: boolean;
}

/** A persistent Python process that holds models and computes. */
export class Worker implements AsyncDisposable {
  readonly #connection: Connection;
  /** Device, versions, and what this worker can do. */
  readonly info: ReadyInfo;
  readonly #plugins = new Map<string, Plugin>();

  constructor(connection: Connection, info: ReadyInfo) {
    this.#connection = connection;
    this.info = info;
  }

  get pid(): number | undefined {
    return this.#connection.pid;
  }

  /**
   * Loads a checkpoint in Hugging Face format. @param source a folder, a hub id, or `llava-1.5`, `minigpt4`, `shikra` for
   * what `aai convert` has made. @throws WorkerError, WorkerDiedError, NotConvertedError
   */
  async load(source: string, options: LoadOptions = {}): Promise<Model> {
    const { dtype = "auto", deviceMap = null, revision = null, offline = false } = options;
    const body = { source: resolveModel(source), revision, dtype, deviceMap, offline };
    const { result } = await call(this.#connection, "load", body);
    return new Model(this.#connection, result);
  }

  /**
   * Runs a Python file of your own and takes the methods it declares (see docs/methods.md, "Your own method"). Load it
   * again after changing it, and in every new worker: what was made of an older version of the file is refused.
   * The file travels to the worker as bytes, alone: it can import installed packages, but no file beside it.
   * @throws WorkerError, WorkerDiedError
   */
  async loadPlugin(file: string): Promise<Plugin> {
    const path = resolve(file);
    const source = await readPlugin(path);
    const { result } = await call(this.#connection, "loadPlugin", { file: path, source: 0 }, [source]);
    const plugin = new Plugin(file, result);
    this.#plugins.set(path, plugin);
    return plugin;
  }

  /** The files it has loaded, in their latest versions. */
  get plugins(): Plugin[] {
    return [...this.#plugins.values()];
  }

  /** Memory, models, tokens so far; answered at once even while the worker is busy. */
  stats(): Promise<WorkerStats> {
    return this.#connection.stats();
  }

  /** Cancels what runs and ends the process. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function readPlugin(path: string): Promise<NdArray> {
  try {
    const data = await readFile(path);
    return { name: "source", dtype: "uint8", shape: [data.byteLength], axes: ["byte"], data };
  } catch (error) {
    const reasons: Record<string, string> = { ENOENT: "there is no such file", EISDIR: "it is a folder" };
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? ""] ?? (error as Error).message;
    const message = `The plug-in file ${path} cannot be read: ${reason}.`;
    throw new WorkerError({ code: "bad-plugin", message, traceback: "" });
  }
}

/** Starts a worker and waits until it is ready. @throws WorkerDiedError, EnvironmentError, WorkerError of a plug-in */
export async function startWorker(options: WorkerOptions = {}): Promise<Worker> {
  const { connection, info } = await Connection.open({
    launcher: local({
      python: options.python ?? findPython().python,
      pythonPath: bundledPythonPath(packageRoot()),
      module: "aai_worker",
      env: options.env ?? {},
    }),
    device: options.device ?? "auto",
    threads: options.threads ?? null,
    startTimeout: options.startTimeout ?? 180,
    heartbeatTimeout: options.heartbeatTimeout ?? 60,
    stallTimeout: options.stallTimeout ?? 300,
    handleSignals: options.handleSignals ?? true,
    onLine: options.onLog,
    signal: options.signal,
  });
  const worker = new Worker(connection, info);
  try {
    for (const file of options.plugins ?? []) await worker.loadPlugin(file);
  } catch (error) {
    await worker.close();
    throw error;
  }
  return worker;
}
