// The service worker: shows what this server pushed to the browser, and opens the page that it is about. It sees no page
// and answers no request. What it says, in every language, stands before this (see pages/notifications.py).
"use strict";

const filled = (text, value) => text.replace("{}", () => value);

// What to show of a message: one notification for each person, and one for all others.
const told = (message) => {
  const texts = SAID.texts[message.language] || SAID.texts[SAID.otherwise];
  const shared = { lang: message.language || SAID.otherwise, icon: SAID.icon };
  const notes = message.people.map(({ id, name, kinds, more, member }) => {
    const said = kinds.map((kind) => texts.kinds[kind] || kind.replace(/^x:/, "").toUpperCase()).join(texts.between);
    const body = filled(texts.changed, more ? filled(texts.and, said) : said);
    return [name, { ...shared, body, tag: `person-${id}`, data: { path: `${member ? "members/person" : "people"}/${id}` } }];
  });
  const others = { ...shared, body: filled(texts.more, message.more), tag: "more", data: { path: "activity/" } };
  return message.more ? [...notes, ["Evercard", others]] : notes;
};

const read = (data) => {
  try { return told(data.json()); } catch {
    const { something } = SAID.texts[SAID.otherwise];
    return [["Evercard", { body: something, icon: SAID.icon, tag: "more", data: { path: "activity/" } }]];
  }
};

self.addEventListener("push", (event) => {
  const shown = read(event.data).map(([title, options]) => self.registration.showNotification(title, options));
  event.waitUntil(Promise.all(shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data.path, self.registration.scope).href;
  const open = async () => {
    const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const there = windows.find((each) => each.url === url);
    return there ? there.focus() : self.clients.openWindow(url);
  };
  event.waitUntil(open());
});

// A newer one has nothing to wait for.
self.addEventListener("install", () => self.skipWaiting());
