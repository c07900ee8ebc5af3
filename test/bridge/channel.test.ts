import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Dealer } from "zeromq";
import { Channel } from "../../src/bridge/channel";
import { encodeMessage } from "../../src/bridge/frames";

const folder = mkdtempSync(join(tmpdir(), "channel-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("only the peer that was invited is heard, whatever others send", async () => {
  const channel = new Channel("a secret name");
  const address = await channel.bind(`ipc://${join(folder, "socket")}`);
  const heard: string[] = [];
  const both = new Promise<void>((resolve) => {
    void channel.receive(
      ({ type }) => {
        heard.push(type);
        if (type === "second") resolve();
      },
      (error) => heard.push(String(error)),
    );
  });
  const message = (type: string) => encodeMessage({ id: 0, type, body: {}, arrays: [] });
  const [impostor, peer] = ["worker", "a secret name"].map(
    (routingId) => new Dealer({ routingId, linger: 0 }),
  );
  for (const socket of [impostor!, peer!]) socket.connect(address);
  await impostor!.send(message("forged"));
  await impostor!.send(["no message at all"]);
  await peer!.send(message("first"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await peer!.send(message("second"));
  await both;
  expect(heard).toEqual(["first", "second"]);
  for (const socket of [impostor!, peer!]) socket.close();
  channel.close();
});
