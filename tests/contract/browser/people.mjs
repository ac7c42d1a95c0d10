// People and credentials: somebody is invited, joins in a browser of their own, is given another role and kept out; a role and support
// access are made; a connection is rotated and ended.

import { generateKeyPairSync } from "node:crypto";

/** A second browser with an authenticator of its own. */
async function another(eyes) {
  const context = await eyes.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "UTC" });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return { context, page };
}

export async function people(eyes, tenant) {
  const { page } = eyes;
  const home = `/console/people/${tenant}`;
  await eyes.go("/console/people", "people");
  eyes.expect(new URL(page.url()).pathname === home, "the one tenant of an owner is not where they are led");
  await page.getByLabel("Name", { exact: true }).fill("Bo Ito");
  await page.getByLabel("Address").fill("bo@example.com");
  await page.getByLabel("Role", { exact: true }).selectOption("auditor");
  await eyes.press("Make a link");
  await eyes.says("This link is shown once");
  await eyes.look("person-link");
  const link = (await page.locator("[data-link]").innerText()).trim();

  const second = await another(eyes);
  await second.page.goto(link);
  await second.page.getByLabel("What you call this device").fill("Bo's phone");
  await second.page.getByRole("button", { name: "Make a passkey" }).click();
  await second.page.waitForURL((url) => url.pathname === "/console", { waitUntil: "load" });
  await second.page.goto(eyes.base + home);
  eyes.expect((await second.page.getByText("Dana Reyes").count()) > 0, "an auditor does not see who has a role");
  await second.page.getByLabel("Name", { exact: true }).fill("Eve");
  await second.page.getByLabel("Address").fill("eve@example.com");
  await second.page.getByRole("button", { name: "Make a link" }).click();
  await second.page.getByText("This was refused").first().waitFor();
  await second.page.goto(eyes.base + "/console/sources");
  const shown = await second.page.getByRole("heading", { level: 1, name: "Sources" }).count();
  const offered = await second.page.getByText("Register a source").count();
  eyes.expect(shown === 1 && offered === 0, "an auditor does not see sources, or is offered to register one");

  await eyes.go(home, "people-joined");
  await eyes.press("Bo Ito", "link");
  await eyes.says("Sessions and devices");
  await eyes.look("person");
  await page.getByLabel("Role", { exact: true }).selectOption("developer");
  await eyes.press("Show what would change");
  await eyes.says("Nothing has changed yet");
  await eyes.look("person-role");
  await eyes.press("Make it so");
  await eyes.says("Sessions and devices");
  await second.page.goto(eyes.base + "/console");
  eyes.expect(second.page.url().includes("/console/sign-in"), "a session goes on after another role was given");
  await second.page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await second.page.waitForURL((url) => url.pathname === "/console", { waitUntil: "load" });
  await eyes.press("Suspend");
  await eyes.says("suspended");
  await second.page.goto(eyes.base + "/console");
  eyes.expect(second.page.url().includes("/console/sign-in"), "a session goes on after a suspension");
  await second.context.close();

  await eyes.go(`${home}/roles`, "roles");
  await page.getByLabel("Name", { exact: true }).fill("night-watch");
  await page.getByLabel("What it is for").fill("Watches at night");
  await page.getByLabel("What it may do, a line each").fill("installations.list\ninstallations.suspend");
  await eyes.press("Show who would gain or lose what");
  await eyes.says("Nobody holds it");
  await eyes.look("role-means");
  await eyes.press("Make it so");
  await eyes.says("night-watch");
  await eyes.go(`${home}/automation`, "automation-none");
  await page.getByLabel("Name", { exact: true }).fill("nightly");
  await page.getByLabel("Until").fill(new Date(Date.now() + 90 * 86400e3).toISOString().slice(0, 10));
  await page.getByLabel("Public key").fill(generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }));
  await eyes.press("Register it");
  await eyes.says("nightly");
  await eyes.look("automation");
  await page.getByLabel("Public key").first().fill(generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }));
  await eyes.press("Give it this key");
  await eyes.at(`${home}/automation`);
  await eyes.press("Take it away");
  await eyes.says("No program uses the admin API here");
  await eyes.go(`${home}/support`, "support");
  await page.getByLabel("What for").fill("case 4711");
  await page.getByLabel("Until").fill(new Date(Date.now() + 2 * 86400e3).toISOString().slice(0, 10));
  await eyes.press("Let support in");
  await eyes.says("in force");
  await eyes.press("End now");
  await eyes.says("over");
  await eyes.go(`${home}/limits`, "limits");
}

/** Of a credential that somebody stored by hand: nothing but a person can mint it anew. */
export async function rotates(eyes, installation, name) {
  const { page } = eyes;
  const own = `/console/connections/${installation}/${name}`;
  await eyes.go("/console/connections", "connections");
  await eyes.press(name, "link");
  await eyes.at(own);
  await eyes.look("connection");
  await page.getByLabel("Why").first().fill("A look at how it goes");
  await eyes.press("Show how it would go");
  await eyes.says("Nothing would be rotated");
  await eyes.go(own, "connection-again");
  await page.getByLabel("How").selectOption("emergency");
  await page.getByLabel("Why").first().fill("A look at how it goes");
  await eyes.press("Show how it would go");
  await eyes.says("Nothing has changed yet");
  await eyes.look("rotation-means");
  await eyes.press("Rotate now");
  await page.waitForURL(/rotations\/rot_/);
  await eyes.says("Credential by credential");
  await eyes.press("Look again", "link");
  await eyes.says("a person is needed");
  await eyes.look("rotation");
  await eyes.press("Take the signed report");
  await eyes.says("Digest, as the log has it");
  await eyes.look("rotation-report");
  await eyes.go("/console/rotations", "rotations");
  await eyes.go(own, "connection-rotated");
  // Nothing can mint it anew: an emergency has ended it, and nothing is left to be ended.
  await eyes.says("ended");
  if (await page.locator("#revoke-why").count()) throw new Error("what has ended can be ended again");
}
