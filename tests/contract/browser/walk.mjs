// An owner's first hour with the console, in a browser: signs in by a link, installs a plugin with less than it asks for, upgrades it,
// narrows it, watches the log and suspends it. Reads what it needs as JSON on the first argument; prints what it saw as JSON.
import { execFileSync } from "node:child_process";
import { Eyes } from "./eyes.mjs";
import { incidents, reviews } from "./incidents.mjs";
import { people, rotates } from "./people.mjs";
import { platform, proves } from "./platform.mjs";
import { alertsGo, backEnd, clients, deliveries, leaves, logs, reports, requests, rulesAndNotices, sources } from "./things.mjs";

const { base, link, operator, plugin, tenant, browser, pictures, publish, used, credential, delivery, client, reviewed, wrote } = JSON.parse(process.argv[2]);
const eyes = await Eyes.open(base, browser, pictures);
const { page } = eyes;

async function signsIn() {
  await eyes.go("/console/audit", "sign-in");
  eyes.expect(page.url().includes("/console/sign-in?next="), "a stranger is not led to the page to sign in by");
  await page.goto(link);
  await eyes.look("join");
  await page.getByLabel("What you call this device").fill("Work laptop");
  await eyes.press("Make a passkey");
  await eyes.at("/console");
  await eyes.look("overview-empty");
}

async function installs() {
  await eyes.go("/console/marketplace", "marketplace");
  await eyes.press(plugin, "link");
  await page.waitForURL(/releases/);
  await eyes.look("plugin");
  const release = new URL(page.url()).pathname;
  await eyes.press("Responsibility sheet", "link");
  await page.waitForURL(/\/sheet$/);
  await eyes.says("Who answers for what");
  await eyes.look("plugin-sheet");
  await prints("Triage helper 1.0.0");
  await eyes.go(release, "plugin-again");
  await eyes.press(/^Install$/, "link");
  await page.waitForURL(/console\/install\?/);
  await page.getByLabel("Tenant").fill(tenant);
  await page.getByLabel("Scope", { exact: true }).first().fill("tickets:read fields=subject");
  await page.locator("input[name=ticked]").last().uncheck();
  await eyes.look("consent");
  await eyes.press("Show what this would mean");
  await eyes.says("Nothing is installed yet");
  await eyes.look("consent-means");
  await eyes.press(`Install in ${tenant}`);
  await page.waitForURL(/installations\/ins_/);
  await eyes.says("Active");
  await eyes.look("installation-new");
  return new URL(page.url()).pathname;
}

/** Of an installation that was in use for two weeks. */
async function changes(own) {
  await eyes.go(own, "installation");
  await eyes.go(`${own}/grant`, "grant");
  await eyes.press("Show what would change");
  await eyes.look("grant-means");
  await eyes.go(`${own}/right-size`, "right-size");
  await eyes.press("Narrow the grant to what was used");
  await eyes.at(own);
  await eyes.go(`${own}/upgrade`, "upgrade-none");
  execFileSync(publish[0], publish.slice(1), { stdio: "pipe" });
  await eyes.go(`${own}/upgrade`, "upgrade");
  await eyes.says("It wants more than the one before");
  await eyes.press("Agree to this, and upgrade");
  await eyes.at(own);
  await eyes.says("1.1.0");
}

/** The log goes on by itself in one window while another changes something. */
async function watches(own) {
  await eyes.go("/console/audit", "audit");
  await eyes.says("Live");
  const other = await eyes.context.newPage();
  await other.goto(eyes.base + own);
  await other.getByLabel("Why").fill("A look at what it does");
  await other.getByRole("button", { name: "Suspend it" }).click();
  await other.getByText("Suspended").first().waitFor();
  await other.close();
  await eyes.says("plugin.suspended");
  await eyes.go(own, "installation-suspended");
  await eyes.press("Resume");
  await eyes.at(own);
  await eyes.says("Active");
}

/** How the tenant stands; a profile turned on after a look at what it would do; a duty stated, and its open line gone. */
async function answers(own) {
  await eyes.go("/console/posture", "posture");
  await eyes.says("Who has to do what");
  await eyes.go(`/console/posture/${tenant}/healthcare`, "posture-healthcare");
  await eyes.says("Before and after");
  await page.getByLabel("Why").fill("Our tickets hold data about health");
  await eyes.press("Turn 'healthcare' on");
  await eyes.at("/console/posture");
  await eyes.says("Our tickets hold data about health");
  await eyes.look("posture-after");
  await eyes.go(`/console/duties?tenant=${tenant}&party=subscriber`, "duties");
  await page.locator(".moves li").filter({ hasText: "ACC-8" }).getByRole("link").click();
  await page.waitForURL(/duties\/acme\/ACC-8/);
  await page.getByLabel("In a sentence").fill("All lists were looked through on Friday");
  await eyes.look("duty");
  await eyes.press("State it");
  await eyes.at("/console/duties");
  await eyes.says("All lists were looked through on Friday");
  await eyes.go("/console/risks", "risks");
  await eyes.go("/console/risks/propose", "risk-propose");
  await eyes.go(`${own}/sheet`, "sheet");
  await eyes.says("Who answers for what");
  await prints("Watch the clock 1.1.0");
  await eyes.go("/console/duties", "duties-after");
  await prints(`Open duties of ${tenant}`);
  await eyes.go("/console/posture", "posture-last");
  await prints(`Posture of ${tenant}`);
}

/** The page to print that an open page leads to: it has this heading, and needs nothing. */
async function prints(heading) {
  const path = await page.getByRole("link", { name: "As a page to print" }).getAttribute("href");
  const paper = await eyes.context.newPage();
  await paper.goto(eyes.base + path);
  const found = await paper.locator("h1").innerText();
  eyes.expect(found === heading, `the page to print is not there: ${path} says ${found}`);
  await paper.close();
}

/** A proof is good for a few minutes, and what comes after it may take longer: a form that is sent without one is lost. */
async function provesAgain() {
  await page.goto(`${base}/console/step-up?next=/console`);
  await eyes.press("Confirm with a passkey");
  await eyes.at("/console");
}

/** Every place in the navigation, and the first thing in it. */
async function everywhere() {
  const links = await page.locator("nav.wide-only a").evaluateAll((all) => all.map((one) => new URL(one.href).pathname));
  for (const path of links) {
    const name = path.split("/").pop() === "console" ? "overview" : path.split("/").pop();
    await eyes.go(path, name);
    eyes.expect(await page.locator("h1").count() === 1, `${path} has no heading`);
    const refused = await page.getByText(/^(This was refused|There is nothing here|The host could not answer)$/).count();
    if (refused) eyes.seen.at(-1).faults.push("the host refuses this page to an owner");
  }
}

async function comesBack() {
  await eyes.go("/console/account", "account");
  await eyes.press("Sign out");
  await page.waitForURL(/sign-in/);
  await eyes.press("Sign in with a passkey");
  await eyes.at("/console");
  await eyes.says("Overview");
}

const steps = [];
async function step(name, work) {
  try {
    const made = await work();
    steps.push({ name, held: true });
    return made;
  } catch (error) {
    steps.push({ name, held: false, why: `${error.message}\nat ${page.url()}\n${(await page.locator("body").innerText().catch(() => "")).slice(0, 1500)}` });
    return undefined;
  }
}

await step("first sign-in with a passkey", signsIn);
const own = await step("install with narrowing", installs);
await step("grant, right-size and upgrade", () => changes(`/console/installations/${used}`));
if (own) await step("live audit and suspension", () => watches(own));
await step("a delivery that was given up", () => deliveries(eyes, used, delivery));
await step("a fresh proof before a source", provesAgain);
await step("a source and its secrets", () => sources(eyes));
await step("a back end, its key and its messages", () => backEnd(eyes, used));
await step("a fresh proof before where alerts go", provesAgain);
await step("where alerts go", () => alertsGo(eyes, tenant));
await step("rules, and what needs somebody", () => rulesAndNotices(eyes));
await step("a client and its end", () => clients(eyes, client));
await step("a request of a data subject", () => requests(eyes, "person-4711"));
await step("a fresh proof before posture", provesAgain);
await step("posture, profile, duties and risks", () => answers(`/console/installations/${used}`));
await step("people, a role and support access", () => people(eyes, tenant));
await step("a fresh proof before rotation", provesAgain);
await step("rotation and revocation", () => rotates(eyes, used, credential));
await step("a fresh proof before an incident", provesAgain);
await step("an incident, contained with one button", () => incidents(eyes, plugin, tenant));
await step("a release that was handed in", () => reviews(eyes, reviewed));
if (own) await step("a plugin that leaves and is taken back", () => leaves(eyes, own));
await step("what a plugin logged", () => logs(eyes, used, wrote));
await step("a fresh proof before a report", provesAgain);
await step("a plugin that is reported", () => reports(eyes, used));
await step("the proof of the log, and of an entry", () => proves(eyes));
await step("every place", everywhere);
await step("sign out and in again", comesBack);
await step("the platform's own pages", () => platform(eyes, operator));
await eyes.close();
console.log(JSON.stringify({ steps, pages: eyes.seen, faults: eyes.faults }, null, 1));
