// What shows that the log is what it was; and what is for whoever looks after the platform: whom it trusts, and its keys and secrets.

/** As an owner of a tenant: the view of that tenant, and one of its entries with the proof to take along. */
export async function proves(eyes) {
  const { page } = eyes;
  await eyes.go("/console/audit", "audit-again");
  await eyes.press("Proof of the log", "link");
  await eyes.at("/console/audit/proof");
  await eyes.says("Newest checkpoint");
  await eyes.look("log-proof-tenant");
  const others = await page.getByText(/^(Witnesses|Outlets|Keys and secrets)$/).count();
  eyes.expect(others === 0, "an owner of a tenant is shown what is the platform's");
  await page.goto(`${eyes.base}/console/audit?q=kind%3Dact.permitted`);
  await page.locator("tbody th a").first().click();
  await page.waitForURL(/\/console\/audit\/\d+$/);
  await eyes.look("entry");
  const index = new URL(page.url()).pathname.split("/").pop();
  const [file] = await Promise.all([page.waitForEvent("download"), eyes.press("Download the proof", "link")]);
  if (file.suggestedFilename() !== `entry-${index}.json`) throw new Error(`the proof is called ${file.suggestedFilename()}`);
}

/** Somebody who looks after the platform, by a link of their own, once the owner has signed out. */
export async function platform(eyes, link) {
  const { page } = eyes;
  await page.goto(`${eyes.base}/console/account`);
  await eyes.press("Sign out");
  await page.waitForURL(/sign-in/);
  await page.goto(link);
  await page.getByLabel("What you call this device").fill("Laptop of the platform");
  await eyes.press("Make a passkey");
  await eyes.at("/console");
  await eyes.press("Trust", "link");
  await eyes.at("/console/trust");
  await eyes.says("Its next version is signed by");
  await eyes.look("trust");
  await eyes.go("/console/vault", "vault");
  await eyes.press("Show what would change");
  await eyes.says("Nothing has changed yet");
  await eyes.look("vault-means");
  await eyes.press("Make the keys");
  await eyes.says("The keys are new");
  await eyes.look("vault-after");
  await eyes.go("/console/audit/proof", "log-proof");
  await eyes.says("The whole log");
  await eyes.says("Nobody cosigns the log");
}
