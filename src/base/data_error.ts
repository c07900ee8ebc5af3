/** A file or folder that is not what it should be; the message says what, where, and what to do. */
export class DataError extends Error {
  override readonly name = "DataError";
}
