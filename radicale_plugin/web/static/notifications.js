// The switch by which a browser is told: it asks its push service for a place, and says that to this server.
"use strict";

(() => {
  const form = document.querySelector("form[data-key]");
  if (!form) return;
  // One sentence at a time: what an earlier attempt said is over.
  const show = (name) => { for (const each of document.querySelectorAll("[data-says]")) each.hidden = each.dataset.says !== name; };
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) {
    show("unable");
    return;
  }
  const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const same = (one, other) => one && one.byteLength === other.length && new Uint8Array(one).every((each, at) => each === other[at]);
  const key = octets(form.dataset.key);
  const [button, isOn] = [form.querySelector("button"), "on" in form.dataset];

  const subscribed = async () => {
    const worker = await navigator.serviceWorker.register(form.dataset.worker);
    const found = await worker.pushManager.getSubscription();
    if (found && same(found.options.applicationServerKey, key)) return found;
    if (found) await found.unsubscribe();
    await navigator.serviceWorker.ready;
    return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    show("");
    const unsent = (reason) => { show(reason); form.dispatchEvent(new Event("unsent", { bubbles: true })); };
    try {
      if (await Notification.requestPermission() !== "granted") { unsent("denied"); return; }
      const { endpoint, keys } = (await subscribed()).toJSON();
      const said = { endpoint, public_key: keys.p256dh, auth_secret: keys.auth };
      for (const [name, value] of Object.entries(said)) form.elements[name].value = value;
      form.submit();
    } catch { unsent("failed"); } finally { button.disabled = false; }
  });

  // What this server does not know any more, the browser's push service need not know either; and the other way round.
  const compare = async () => {
    const worker = await navigator.serviceWorker.getRegistration(form.dataset.worker);
    const found = worker && await worker.pushManager.getSubscription();
    if (found && !isOn) await found.unsubscribe();
    if (isOn && !found) show("lost");
    form.hidden = isOn && Boolean(found);
  };
  compare().catch(() => { form.hidden = false; });
})();
