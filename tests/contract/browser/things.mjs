// What belongs to installations and to people whose data it is: a delivery is tried again, a source registered, given another secret and taken
// away, a back end set and tried out, a client revoked, a plugin uninstalled and taken back, its log read, and what it does reported; a
// request of a data subject is put on record, and closed; alerts are posted somewhere, and what needs somebody leads to where it is done.

/** From the page of its installation. */
export async function deliveries(eyes, installation, number) {
  await eyes.go(`/console/installations/${installation}`, "installation-links");
  await eyes.page.locator("main").getByRole("link", { name: "Deliveries" }).click();
  await eyes.at("/console/deliveries");
  if (!eyes.page.url().endsWith(`?installation=${installation}`)) throw new Error("the link leads to all deliveries");
  await eyes.says("it did not fit");
  await eyes.look("deliveries-given-up");
  await eyes.page.locator(`a[href="/console/deliveries/${number}"]`).click();
  await eyes.at(`/console/deliveries/${number}`);
  await eyes.look("delivery");
  await eyes.press("Show what another try means");
  await eyes.says("Nothing has changed yet");
  await eyes.look("delivery-means");
  await eyes.press("Try it again");
  await eyes.at(`/console/deliveries/${number}`);
  await eyes.look("delivery-again");
  await eyes.go("/console/audit?q=kind%3Ddelivery.retried", "delivery-in-the-log");
  const told = eyes.page.locator("tbody tr").filter({ hasText: `delivery:${number}` });
  await told.filter({ hasText: "delivery.retried" }).first().waitFor();
  await eyes.go("/console/deliveries?all=true", "deliveries-all");
}

/** What an open page shows once. */
async function secret(page) {
  return (await page.locator("[data-secret]").innerText()).trim();
}

export async function sources(eyes) {
  const { page } = eyes;
  await eyes.go("/console/sources", "sources-none");
  await page.getByLabel("Name", { exact: true }).fill("acme-code");
  await page.getByLabel("What it sends").selectOption("github");
  await eyes.press("Show what it would be");
  await eyes.says("/v1/hooks/github/acme-code");
  await eyes.look("source-means");
  await eyes.press("Register it");
  await eyes.says("This is shown once");
  await eyes.look("source-secret");
  const made = await secret(page);
  await eyes.press("To the source", "link");
  await eyes.at("/console/sources/acme-code");
  await eyes.look("source");
  if ((await page.content()).includes(made)) throw new Error("a secret is shown twice");
  await eyes.press("Show what would change");
  await eyes.says("Nothing has changed yet");
  await eyes.look("source-rotate-means");
  await page.getByLabel("Secret").fill("chosen by whoever sends");
  await eyes.press("Give it another secret");
  await eyes.at("/console/sources/acme-code");
  await eyes.says("two are good");
  await eyes.go("/console/sources", "sources-one");
  await eyes.press("acme-code", "link");
  await eyes.press("Show what would go");
  await eyes.says("Nothing has changed yet");
  await eyes.look("source-remove-means");
  await eyes.press("Take it away");
  await eyes.at("/console/sources");
  await eyes.says("Nobody sends events here");
}

/** Of a tenant that has none: set, given another key, and taken away before anything is posted. */
export async function alertsGo(eyes, tenant) {
  const { page } = eyes;
  const own = `/console/alerts/endpoints/${tenant}`;
  await eyes.go("/console/alerts", "alerts-links");
  await page.locator("main").getByRole("link", { name: "Where they go" }).click();
  await eyes.at("/console/alerts/endpoints");
  await eyes.look("alert-endpoints");
  await eyes.press(`Alerts of ${tenant}`, "link");
  await eyes.at(own);
  await eyes.says("Alerts are posted nowhere");
  await page.getByLabel("Address").fill("https://alerts.example/in?key=hidden");
  await page.getByLabel("How severe at least").selectOption("high");
  await eyes.press("Show where they would go");
  await eyes.says("Nothing has changed yet");
  await eyes.look("alert-endpoint-means");
  await eyes.press("Make it so");
  await eyes.says("This is shown once");
  await eyes.look("alert-endpoint-key");
  const first = await secret(page);
  await eyes.press("To the endpoint", "link");
  await eyes.at(own);
  await eyes.look("alert-endpoint");
  await eyes.press("Show the next key's effect");
  await eyes.says("Nothing has changed yet");
  await eyes.press("Make the key");
  await eyes.says("This is shown once");
  const next = await secret(page);
  if (next === first) throw new Error("the key after the first one is the first one");
  await eyes.press("To the endpoint", "link");
  await eyes.at(own);
  const shown = await page.content();
  if ([first, next, "key=hidden"].some((one) => shown.includes(one))) throw new Error("a secret is shown twice");
  await eyes.press("Show what would be posted");
  await eyes.says("Nothing has changed yet");
  await eyes.go(own, "alert-endpoint-again");
  await eyes.press("Show what would go");
  await eyes.says("Nothing has changed yet");
  await eyes.look("alert-endpoint-remove-means");
  await eyes.press("Take it away");
  await eyes.at(own);
  await eyes.says("Alerts are posted nowhere");
}

/** What the log is held against, and what needs somebody. */
export async function rulesAndNotices(eyes) {
  await eyes.go("/console/alerts/rules", "rules");
  await eyes.page.locator('a[href="/console/alerts/rules/new-destination"]').click();
  await eyes.at("/console/alerts/rules/new-destination");
  await eyes.says("What to look at");
  await eyes.look("rule");
  await eyes.page.getByRole("link", { name: "Entries that it is held against" }).click();
  await eyes.at("/console/audit");
  await eyes.go("/console/notices", "notices");
  // Of what the walk before has left: a plugin that was suspended.
  await eyes.page.locator("main").getByRole("link", { name: "A plugin was suspended" }).first().click();
  await eyes.page.waitForURL(/console\/installations\/ins_/);
  await eyes.go("/console/notices?days=7", "notices-of-a-week");
}

/** Of an installation that may send to clock.example.eu. */
export async function backEnd(eyes, installation) {
  const { page } = eyes;
  const own = `/console/installations/${installation}/backend`;
  await eyes.go(own, "backend-none");
  await page.getByLabel("Address").fill("https://elsewhere.example/in");
  await eyes.press("Show where it would send");
  await eyes.says("This was refused");
  await page.getByLabel("Address").fill("https://clock.example.eu/v1/in");
  await eyes.press("Show where it would send");
  await eyes.says("Nothing has changed yet");
  await eyes.look("backend-means");
  await eyes.press("Make it so");
  await eyes.says("This is shown once");
  await eyes.look("backend-key");
  const first = await secret(page);
  await eyes.press("To the back end", "link");
  await eyes.at(own);
  await eyes.press("Show what would be sent", "button");
  await eyes.says("Nothing has changed yet");
  await eyes.look("backend-test-means");
  await eyes.press("Send it");
  await eyes.at(own);
  await eyes.says("backend.test");
  await eyes.look("backend");
  await eyes.press("Show what would be sent again");
  await eyes.says("None of its messages was given up");
  await eyes.look("backend-replay-none");
  await eyes.go(own, "backend-tried");
  await page.getByLabel("The next key").selectOption("0");
  await page.locator(`form[action="${own}/key"]`).getByRole("button").click();
  await eyes.says("Nothing has changed yet");
  await eyes.look("backend-key-means");
  await eyes.press("Make the key");
  await eyes.says("This is shown once");
  const next = await secret(page);
  if (next === first) throw new Error("the key after the first one is the first one");
  await eyes.press("To the back end", "link");
  await eyes.at(own);
  const shown = await page.content();
  if (shown.includes(first) || shown.includes(next)) throw new Error("a key is shown twice");
  await eyes.press("Show what would go");
  await eyes.says("Nothing has changed yet");
  await eyes.look("backend-remove-means");
  await eyes.press("Take it away");
  await eyes.at(own);
  await eyes.says("It has no back end");
}

/** Taken away, and taken back before what it stored is gone. */
export async function leaves(eyes, own) {
  const { page } = eyes;
  await eyes.go(own, "installation-to-leave");
  await page.getByLabel("For what reason").fill("Not needed any more");
  await eyes.press("Show what would go");
  await eyes.says("Nothing has changed yet");
  await eyes.look("uninstall-means");
  await eyes.press("Uninstall it");
  await eyes.at(own);
  await eyes.says("and then erased");
  await eyes.look("installation-uninstalled");
  await eyes.press("Take it back");
  await eyes.at(own);
  await eyes.says("Suspended");
}

export async function clients(eyes, id) {
  const { page } = eyes;
  const own = `/console/clients/${id}`;
  await eyes.go("/console/clients", "clients-one");
  await page.locator(`a[href="${own}"]`).click();
  await eyes.at(own);
  await eyes.look("client");
  await page.getByLabel("Why").first().fill("A token was in a log");
  await eyes.press("Show what would end");
  await eyes.says("Nothing has changed yet");
  await eyes.look("client-tokens-mean");
  await eyes.press("End all its tokens");
  await eyes.at(own);
  await page.getByLabel("Why").last().fill("It was shut down");
  await eyes.press("Show what revoking means");
  await eyes.says("Nothing has changed yet");
  await eyes.look("client-revoke-means");
  await eyes.press("Revoke it");
  await eyes.at(own);
  await eyes.says("revoked");
  await eyes.look("client-revoked");
  if (await page.locator("#revoke-why").count()) throw new Error("what was revoked can be revoked again");
}

/** Of a person whom no plugin here can be asked about: what was done by hand is said as it is closed. */
export async function requests(eyes, user) {
  const { page } = eyes;
  await eyes.go("/console/privacy", "privacy-none");
  await page.getByLabel("Their id at the help desk").fill(user);
  await eyes.press("See whom it would reach");
  await eyes.says("Nothing was put on record");
  await eyes.look("privacy-means");
  await eyes.press("Put it on record");
  await page.waitForURL(/privacy\/dsr_/);
  await eyes.says("Installation by installation");
  if ((await page.locator("main").innerText()).includes(user)) throw new Error("a request says whom it is about");
  await eyes.look("privacy-request");
  await page.getByLabel("What was done by hand").fill("Both developers were asked by mail");
  await eyes.press(/^Close$/);
  // Of one that was opened there is a certificate only when it is closed.
  await page.getByRole("button", { name: "Sign and download" }).waitFor();
  await eyes.look("privacy-closed");
  await eyes.go("/console/privacy", "privacy-list");
}

/** What it wrote is text, whatever it looks like. */
export async function logs(eyes, installation, wrote) {
  const own = `/console/installations/${installation}`;
  await eyes.go(own, "installation-logged");
  await eyes.says("What it logged last");
  await eyes.press("Its whole log", "link");
  await eyes.at(`${own}/log`);
  await eyes.says("These are the plugin's own words");
  await eyes.says(wrote);
  await eyes.look("own-log");
}

/** Who reads what of it is said before it is sent. */
export async function reports(eyes, installation) {
  const { page } = eyes;
  const own = `/console/installations/${installation}`;
  await eyes.go(own, "installation-to-report");
  await eyes.press("Report it", "link");
  await eyes.at(`${own}/report`);
  await eyes.says("Acts that show it");
  await page.getByLabel("What it does that it should not").fill("It posts to another room");
  await page.locator("input[name=evidence]").first().check();
  await eyes.look("report");
  await eyes.press("Show who would read what");
  await eyes.says("Nothing has changed yet");
  await eyes.says("was reported for misbehaviour, under review");
  await eyes.look("report-means");
  await eyes.press("Send the report");
  await eyes.says("The platform has your report");
  await eyes.look("reported");
  await eyes.press("Back to the installation", "link");
  await eyes.at(own);
}
