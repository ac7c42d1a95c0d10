// What is done when something went wrong, and before anything runs: an incident opened, contained with one button, told of, lifted and closed; a
// release that was handed in, with what it wants more than the one that was approved.

/** Of a plugin that runs in this tenant. */
export async function incidents(eyes, plugin, tenant) {
  const { page } = eyes;
  await eyes.go("/console/incidents", "incidents-none");
  await page.getByLabel("What is suspected").fill("It reads more than it should");
  await page.getByLabel("Which", { exact: true }).last().fill(plugin);
  await page.getByLabel("Tenant").fill(tenant);
  await eyes.press(/^Open$/);
  await page.waitForURL(/incidents\/inc_/);
  const own = new URL(page.url()).pathname;
  await eyes.says("Who must be told");
  await eyes.look("incident");
  await eyes.press("See what that does", "link");
  await eyes.says("Contain it now");
  await eyes.look("incident-plan");
  await eyes.press("Contain it now");
  await page.getByText("Suspended", { exact: true }).waitFor();
  await reached(eyes, own);
  await eyes.look("incident-contained");
  await page.locator(`form[action="${own}/note"]`).getByLabel("Write down").fill("The developer was called");
  await page.locator(`form[action="${own}/note"]`).getByRole("button").click();
  await eyes.says("The developer was called");
  await page.getByLabel("Whom exactly, and how").fill("The controller, by telephone");
  await page.locator(`form[action="${own}/told"]`).getByRole("button").click();
  await eyes.says("The controller, by telephone");
  await page.getByLabel("Why it may go on").fill("A new release reads less");
  await eyes.press("Lift");
  await eyes.says("Lifted");
  await page.getByLabel("What the cause was").fill("A scope that was too wide");
  await page.getByLabel("What prevents another").fill("The grant was narrowed");
  await page.getByLabel("Why those who were not told need not be").fill("Nothing left the host");
  await eyes.press(/^Close$/);
  await eyes.says("How it ended");
  await eyes.look("incident-closed");
}

/** The running host says it when its last call has ended: the page is read again until it does. */
async function reached(eyes, own) {
  const done = eyes.page.getByText("nothing runs, nothing goes out");
  for (let turn = 0; turn < 40 && !(await done.count()); turn++) {
    await eyes.page.waitForTimeout(250);
    await eyes.page.goto(eyes.base + own, { waitUntil: "load" });
  }
  await eyes.says("nothing runs, nothing goes out");
}

export async function reviews(eyes, plugin) {
  await eyes.go("/console/reviews", "reviews-handed-in");
  await eyes.page.locator("tbody tr").filter({ hasText: "handed in" }).getByRole("link", { name: plugin }).click();
  await eyes.page.waitForURL(/reviews\/sha256/);
  await eyes.says("users:read fields=email,name");
  await eyes.look("review");
}
