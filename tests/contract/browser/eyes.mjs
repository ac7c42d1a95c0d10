// What is looked at on every page: whether everybody can use it, what it weighs, and what it asks for from where.
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import UPNG from "upng-js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const HEAVIEST = 200_000;
const WIDTHS = [1280, 390];

/** A browser with an authenticator of its own, and eyes on what its pages do. */
export class Eyes {
  constructor(base, browser, context, page, pictures) {
    Object.assign(this, { base, browser, context, page, pictures, faults: [], seen: [], weight: 0, waiting: [] });
  }

  static async open(base, executablePath, pictures) {
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", locale: "en-GB", timezoneId: "UTC" });
    await context.addInitScript(() => {
      globalThis.violations = [];
      document.addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective}: ${e.blockedURI}`));
    });
    const page = await context.newPage();
    const eyes = new Eyes(base, browser, context, page, pictures);
    const devtools = await context.newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
    eyes.watch();
    return eyes;
  }

  watch() {
    this.page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(this.base + "/") && !url.startsWith("data:")) this.faults.push(`asks another host: ${url}`);
      if (request.isNavigationRequest()) this.weight = 0;
    });
    this.page.on("response", (response) => {
      if ((response.headers()["content-type"] || "").startsWith("text/event-stream")) return;
      if (response.status() >= 500) this.faults.push(`${response.status()} for ${response.url()}`);
      // Of what leads elsewhere there is no body.
      this.waiting.push(response.body().then((body) => (this.weight += body.length)).catch(() => {}));
    });
    this.page.on("console", (message) => {
      if (message.type() === "error") this.faults.push(`the browser says: ${message.text()}`);
    });
    this.page.on("pageerror", (error) => this.faults.push(`the script failed: ${error.message}`));
  }

  /** Goes to a page, and looks at it. */
  async go(path, name) {
    const began = performance.now();
    await this.page.goto(this.base + path, { waitUntil: "load" });
    await this.look(name, Math.round(performance.now() - began));
  }

  /** Looks at the page that is open: in both widths, light and dark. */
  async look(name, took) {
    await this.page.waitForLoadState("load");
    await Promise.all(this.waiting.splice(0));
    const before = this.faults.length;
    const violations = await this.page.evaluate(() => globalThis.violations);
    this.faults.push(...violations.map((what) => `against the policy: ${what}`));
    if (this.weight > HEAVIEST) this.faults.push(`weighs ${this.weight} bytes`);
    const title = await this.page.title();
    for (const colorScheme of ["light", "dark"]) {
      await this.page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        await this.page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
        await this.overflow(width);
        await this.accessible(`${width} px, ${colorScheme}`);
        await this.picture(`${name}-${width}${colorScheme === "dark" ? "-dark" : ""}`);
      }
    }
    await this.page.emulateMedia({ colorScheme: "light" });
    await this.page.setViewportSize({ width: 1280, height: 900 });
    const faults = this.faults.splice(before);
    this.seen.push({ name, title, weight: this.weight, took, faults });
  }

  async overflow(width) {
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) this.faults.push(`is ${wide} px wide on a screen of ${width}`);
  }

  async accessible(where) {
    await this.page.evaluate(`${AXE}; undefined`);
    const found = await this.page.evaluate(() => axe.run(document, { preload: false, resultTypes: ["violations"] }));
    for (const one of found.violations.filter((one) => ["serious", "critical"].includes(one.impact))) {
      const places = one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${node.any?.[0]?.message ?? ""})`);
      this.faults.push(`${one.id} at ${where}: ${one.help}: ${places.join("; ")}`);
    }
  }

  /** With a palette, so that a page is a few tens of kilobytes. */
  async picture(name) {
    if (!this.pictures) return;
    mkdirSync(this.pictures, { recursive: true });
    const png = UPNG.decode(await this.page.screenshot({ fullPage: true, animations: "disabled", caret: "hide" }));
    const palette = UPNG.encode([UPNG.toRGBA8(png)[0]], png.width, png.height, 64);
    writeFileSync(join(this.pictures, `${name}.png`), Buffer.from(palette));
  }

  /** Presses what has these words on it. */
  async press(words, role = "button") {
    await this.page.getByRole(role, { name: words }).first().click();
  }

  /** Waits until a page of this path is there. */
  async at(path) {
    await this.page.waitForURL((url) => url.pathname === path, { waitUntil: "load" });
  }

  expect(holds, words) {
    if (!holds) this.faults.push(words);
  }

  /** Whether the page says so, now or soon. */
  async says(words) {
    const found = this.page.getByText(words).first();
    await found.waitFor({ state: "visible", timeout: 10_000 }).catch(() => this.faults.push(`does not say "${words}": ${this.page.url()}`));
  }

  async close() {
    await this.browser.close();
  }
}
