// A Probot app that takes issues and does nothing. PROBOT is the folder that npm
// installed it in.
import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.PROBOT + "/");
const { Probot, Server } = await import(pathToFileURL(require.resolve("probot")));

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "pkcs1", format: "pem" },
});
const server = new Server({
  Probot: Probot.defaults({ appId: 1, privateKey, secret: process.env.SECRET, logLevel: "error" }),
  port: Number(process.env.PORT),
  host: "127.0.0.1",
});
await server.load((app) => app.on("issues.labeled", () => {}));
await server.start();
console.log(`http://127.0.0.1:${process.env.PORT}/api/github/webhooks`);
